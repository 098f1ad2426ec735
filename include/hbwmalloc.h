/*
 * hbwmalloc.h: blocks in memory of high bandwidth, where the machine has it
 *
 * Copyright (c) 2026, the vmem authors
 * SPDX-License-Identifier: BSD-3-Clause (the text is in the file LICENSE)
 *
 * For programs that use this header of memkind 1.14 (`-lmemkind`). The library looks for no such memory by itself: it is that of the
 * NUMA nodes which the variable MEMKIND_HBW_NODES names. Without it blocks come from the system's memory as long as the
 * policy is HBW_POLICY_PREFERRED, which it is at first; with the others there are none.
 *
 *     #include <hbwmalloc.h>
 *
 *     int main(void)
 *     {
 *         void *block = hbw_malloc(100);
 *         hbw_free(block);
 *         return 0;
 *     }
 *
 * Every function may be called from any thread.
 */
#ifndef VMEM_HBWMALLOC_H
#define VMEM_HBWMALLOC_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
	HBW_POLICY_BIND = 1,                   /* the fast nodes or none */
	HBW_POLICY_PREFERRED = 2,              /* others when those are full or not there */
	HBW_POLICY_INTERLEAVE = 3,             /* page by page over the fast nodes */
	HBW_POLICY_BIND_ALL = 4                /* as HBW_POLICY_BIND, be a fast node near or far */
} hbw_policy_t;

typedef enum {
	HBW_PAGESIZE_4KB = 1,
	HBW_PAGESIZE_2MB = 2,                  /* this and the others: ENOMEM, there are no huge pages here */
	HBW_PAGESIZE_1GB_STRICT = 3,
	HBW_PAGESIZE_1GB = 4,
	HBW_PAGESIZE_MAX_VALUE
} hbw_pagesize_t;

/* For hbw_verify_memory_region(): its pages are there, too. */
enum {
	HBW_TOUCH_PAGES = 1
};

/* 0; ENODEV: there is no fast node. */
int hbw_check_available(void);

/*
 * The policy of the process. It can be set once, before the first block: 0; EPERM: it is another one already; EINVAL: there
 * is no such policy.
 */
hbw_policy_t hbw_get_policy(void);
int hbw_set_policy(hbw_policy_t policy);

/* NULL with errno ENOMEM where there is no room; NULL, and errno as it was, for 0 bytes. */
void *hbw_malloc(size_t size);
void *hbw_calloc(size_t count, size_t size);
void *hbw_realloc(void *block, size_t size);

/* 0, EINVAL or ENOMEM; errno stays. */
int hbw_posix_memalign(void **block, size_t alignment, size_t size);
int hbw_posix_memalign_psize(void **block, size_t alignment, size_t size, hbw_pagesize_t page);

/* Any block of the library's; NULL is nothing. */
void hbw_free(void *block);
size_t hbw_malloc_usable_size(void *block);

/* 0: the address is in memory bound to fast nodes; -1: it is not; EINVAL: an argument is wrong. */
int hbw_verify_memory_region(void *address, size_t size, int flags);

#ifdef __cplusplus
}
#endif

#endif
