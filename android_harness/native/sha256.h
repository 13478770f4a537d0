/* SHA-256 of a file (FIPS 180-4). */
#ifndef PORTRAITLITE_SHA256_H
#define PORTRAITLITE_SHA256_H

enum { SHA256_TEXT = 65 };

/* 64 hexadecimal digits and a zero byte; fails where the file cannot be read. */
void sha256_of_file(const char *path, char text[SHA256_TEXT]);

#endif
