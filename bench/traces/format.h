/*
 * A trace: one header, then events of one to three 64-bit words, until a word of 0 or the end of the file.
 *
 *   first word   kind (4 bits) | thread (12) | address of the block (48)
 *   second word  log2 of the alignment asked for (8) | size (56)       not in a free
 *   third word   the block's address before                             only in a realloc
 *
 * The order is one in which addresses make sense: a block's release stands before the next use of its address.
 */
#ifndef TRACE_FORMAT_H
#define TRACE_FORMAT_H

#include <stdint.h>

#define TRACE_MAGIC 0x31636172746d6576u /* "vemtrac1" */

/* 256 bytes; `command` is the program's command line as /proc/self/cmdline has it. */
struct trace_header {
    uint64_t magic;
    uint64_t process;
    char command[240];
};

enum trace_kind { TRACE_END, TRACE_MALLOC, TRACE_CALLOC, TRACE_ALIGNED, TRACE_REALLOC, TRACE_FREE };

#define TRACE_ADDRESS_BITS 48
#define TRACE_THREAD_BITS 12
#define TRACE_SIZE_BITS 56

#endif
