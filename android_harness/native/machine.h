/* What the kernel says: processors, memory, the system. */
#ifndef PORTRAITLITE_MACHINE_H
#define PORTRAITLITE_MACHINE_H

#include <stdint.h>

/* Run on these processors only, hexadecimal mask as taskset takes it; NULL leaves things as they are. Call it before
 * any thread starts. Fails where the kernel does not obey. */
void use_cpus(const char *mask);

/* Into the document: "cpus" without the end, and "program" and "system". */
void describe_machine(const char *mask);
int current_cpu(void);

/* Peak resident memory of this process in bytes (VmHWM); -1 where the kernel does not say. */
int64_t peak_memory_bytes(void);

#endif
