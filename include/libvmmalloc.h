/*
 * libvmmalloc.h: malloc of a whole process from a file on fast memory
 *
 * Copyright (c) 2026, the vmem authors
 * SPDX-License-Identifier: BSD-3-Clause (the text is in the file LICENSE)
 *
 * There is nothing to call: the library takes the names of malloc() and its family, for a program that is linked to it
 * (-lvmmalloc, before other libraries) or started with it:
 *
 *     LD_PRELOAD=libvmmalloc.so.1 VMMALLOC_POOL_DIR=/mnt/pmem VMMALLOC_POOL_SIZE=4GiB program
 *
 * The manual is libvmmalloc(7). This header has what a program may want to know when it is compiled; it works with C89 and later
 * and with C++.
 */

#ifndef LIBVMMALLOC_H
#define LIBVMMALLOC_H 1

#include <stddef.h>

/* The smallest VMMALLOC_POOL_SIZE: 14 MiB. */
#define VMMALLOC_MIN_POOL ((size_t)14 * 1024 * 1024)

/* The version of the interface that this header describes. */
#define VMMALLOC_MAJOR_VERSION 1
#define VMMALLOC_MINOR_VERSION 1

#endif
