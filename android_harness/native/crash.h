/* LiteRT does not verify files and crashes on damaged ones; a crash ends with a document like every other error. */
#ifndef PORTRAITLITE_CRASH_H
#define PORTRAITLITE_CRASH_H

/* `mode` and what is being done later must be literals. */
void watch_for_crashes(const char *mode, int output);
void now_doing(const char *what);

#endif
