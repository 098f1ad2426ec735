/*
 * memkind.h: kinds of memory, each with a heap of its own, on files that grow and shrink
 *
 * Copyright (c) 2026, the vmem authors
 * SPDX-License-Identifier: BSD-3-Clause (the text is in the file LICENSE)
 *
 * For programs that use memkind 1.14: names, values and layouts are those of its interface (`-lmemkind`, libmemkind.so.0). What
 * this library does better is in memkind_pmem(3).
 *
 *     #include <stdio.h>
 *     #include <memkind.h>
 *
 *     int main(void)
 *     {
 *         memkind_t kind;
 *         char text[MEMKIND_ERROR_MESSAGE_SIZE];
 *         int code = memkind_create_pmem("/tmp", 0, &kind);
 *         void *block;
 *
 *         if (code != MEMKIND_SUCCESS) {
 *             memkind_error_message(code, text, sizeof(text));
 *             fprintf(stderr, "memkind_create_pmem: %s\n", text);
 *             return 1;
 *         }
 *         block = memkind_malloc(kind, 100);
 *         memkind_free(NULL, block);
 *         return memkind_destroy_kind(kind);
 *     }
 *
 * Every function may be called from any thread. In a child of fork, kinds on files and on memory of the program's are the
 * parent's: what is in them can be read, allocating fails with EBADF, and freeing does nothing.
 */
#ifndef VMEM_MEMKIND_H
#define VMEM_MEMKIND_H

#include <stddef.h>
#include <sys/types.h>
#if !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L && __STDC_VERSION__ < 202311L
#include <stdbool.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Some programs want the block of memkind_malloc_usable_size() to be const and define this so. */
#ifndef MEMKIND_MALLOC_USABLE_SIZE_CONST
#define MEMKIND_MALLOC_USABLE_SIZE_CONST
#endif

#ifndef MEMKIND_DEPRECATED
#ifdef __GNUC__
#define MEMKIND_DEPRECATED(function) function __attribute__((deprecated))
#else
#define MEMKIND_DEPRECATED(function) function
#endif
#endif

typedef struct memkind *memkind_t;
struct memkind_config;

enum memkind_const {
	MEMKIND_MAX_KIND = 512,                /* at once, 26 built-in ones among them */
	MEMKIND_ERROR_MESSAGE_SIZE = 128,      /* bytes that hold every message */
	MEMKIND_PMEM_MIN_SIZE = 16 * 1024 * 1024 /* smallest limit of a kind on a file */
};

/* What functions return that return int, unless something else is said. */
enum {
	MEMKIND_SUCCESS = 0,
	MEMKIND_ERROR_UNAVAILABLE = -1,        /* this machine has no such memory */
	MEMKIND_ERROR_MBIND = -2,
	MEMKIND_ERROR_MMAP = -3,               /* no address space; no DAX (memkind_check_dax_path) */
	MEMKIND_ERROR_MALLOC = -6,
	MEMKIND_ERROR_ENVIRON = -12,           /* a variable MEMKIND_* has a wrong value */
	MEMKIND_ERROR_INVALID = -13,           /* a wrong argument; errno says more where the system was asked */
	MEMKIND_ERROR_TOOMANY = -15,
	MEMKIND_ERROR_BADOPS = -17,
	MEMKIND_ERROR_HUGETLB = -18,
	MEMKIND_ERROR_MEMTYPE_NOT_AVAILABLE = -20,
	MEMKIND_ERROR_OPERATION_FAILED = -21,
	MEMKIND_ERROR_ARENAS_CREATE = -22,     /* MEMKIND_MAX_KIND kinds exist */
	MEMKIND_ERROR_RUNTIME = -255
};

/* When a kind on a file gives storage back that no block needs: after two seconds, or as soon as it is freed. */
typedef enum memkind_mem_usage_policy {
	MEMKIND_MEM_USAGE_POLICY_DEFAULT = 0,
	MEMKIND_MEM_USAGE_POLICY_CONSERVATIVE = 1,
	MEMKIND_MEM_USAGE_POLICY_MAX_VALUE
} memkind_mem_usage_policy;

typedef enum memkind_stat_type {
	MEMKIND_STAT_TYPE_RESIDENT = 0,        /* bytes that have storage */
	MEMKIND_STAT_TYPE_ACTIVE = 1,          /* bytes of pages that hold blocks, live or cached */
	MEMKIND_STAT_TYPE_ALLOCATED = 2,       /* bytes of live blocks, as their sizes are rounded */
	MEMKIND_STAT_TYPE_MAX_VALUE
} memkind_stat_type;

typedef enum memkind_stat_print_opt {
	MEMKIND_STAT_PRINT_ALL = 0,
	MEMKIND_STAT_PRINT_JSON_FORMAT = 1,
	MEMKIND_STAT_PRINT_OMIT_GENERAL = 1 << 1,
	MEMKIND_STAT_PRINT_OMIT_MERGED_ARENA = 1 << 2,
	MEMKIND_STAT_PRINT_OMIT_DESTROYED_MERGED_ARENA = 1 << 3,
	MEMKIND_STAT_PRINT_OMIT_PER_ARENA = 1 << 4,
	MEMKIND_STAT_PRINT_OMIT_PER_SIZE_CLASS_BINS = 1 << 5,
	MEMKIND_STAT_PRINT_OMIT_PER_SIZE_CLASS_LARGE = 1 << 6,
	MEMKIND_STAT_PRINT_OMIT_MUTEX = 1 << 7,
	MEMKIND_STAT_PRINT_OMIT_EXTENT = 1 << 8
} memkind_stat_print_opt;

typedef enum memkind_memtype_t {
	MEMKIND_MEMTYPE_DEFAULT = 1,
	MEMKIND_MEMTYPE_HIGH_BANDWIDTH = 2
} memkind_memtype_t;

typedef enum memkind_policy_t {
	MEMKIND_POLICY_BIND_LOCAL = 0,
	MEMKIND_POLICY_BIND_ALL,
	MEMKIND_POLICY_PREFERRED_LOCAL,
	MEMKIND_POLICY_INTERLEAVE_LOCAL,
	MEMKIND_POLICY_INTERLEAVE_ALL,
	MEMKIND_POLICY_MAX_VALUE
} memkind_policy_t;

typedef enum memkind_bits_t {
	MEMKIND_MASK_PAGE_SIZE_2MB = 21
} memkind_bits_t;

/*
 * Built-in kinds. DEFAULT, REGULAR, INTERLEAVE and HIGHEST_CAPACITY are the system's memory, of the NUMA nodes that their names say; the
 * HBW ones exist where MEMKIND_HBW_NODES names nodes, the DAX_KMEM ones where MEMKIND_DAX_KMEM_NODES does or a DAX device is the
 * system's memory, the HIGHEST_CAPACITY_LOCAL ones where there is one node; the others never, nor any of huge pages.
 * memkind_check_available() tells.
 */
extern memkind_t MEMKIND_DEFAULT;
extern memkind_t MEMKIND_REGULAR;
extern memkind_t MEMKIND_INTERLEAVE;
extern memkind_t MEMKIND_HUGETLB;
extern memkind_t MEMKIND_HBW;
extern memkind_t MEMKIND_HBW_ALL;
extern memkind_t MEMKIND_HBW_PREFERRED;
extern memkind_t MEMKIND_HBW_INTERLEAVE;
extern memkind_t MEMKIND_HBW_HUGETLB;
extern memkind_t MEMKIND_HBW_ALL_HUGETLB;
extern memkind_t MEMKIND_HBW_PREFERRED_HUGETLB;
extern memkind_t MEMKIND_DAX_KMEM;
extern memkind_t MEMKIND_DAX_KMEM_ALL;
extern memkind_t MEMKIND_DAX_KMEM_PREFERRED;
extern memkind_t MEMKIND_DAX_KMEM_INTERLEAVE;
extern memkind_t MEMKIND_HIGHEST_CAPACITY;
extern memkind_t MEMKIND_HIGHEST_CAPACITY_PREFERRED;
extern memkind_t MEMKIND_HIGHEST_CAPACITY_LOCAL;
extern memkind_t MEMKIND_HIGHEST_CAPACITY_LOCAL_PREFERRED;
extern memkind_t MEMKIND_LOWEST_LATENCY_LOCAL;
extern memkind_t MEMKIND_LOWEST_LATENCY_LOCAL_PREFERRED;
extern memkind_t MEMKIND_HIGHEST_BANDWIDTH_LOCAL;
extern memkind_t MEMKIND_HIGHEST_BANDWIDTH_LOCAL_PREFERRED;
extern memkind_t MEMKIND_GBTLB;
extern memkind_t MEMKIND_HBW_GBTLB;
extern memkind_t MEMKIND_HBW_PREFERRED_GBTLB;

/*
 * A kind on a nameless file in a directory. It takes storage as it needs it, up to `max_size` bytes rounded up to 2 MiB, or for 0 as
 * much as the file system has. EINVAL (MEMKIND_ERROR_INVALID): a limit below MEMKIND_PMEM_MIN_SIZE or above what a file can have, another
 * policy, no directory; for the rest see errno. *kind is set on success alone, and to NULL where there are too many kinds.
 */
int memkind_create_pmem(const char *dir, size_t max_size, memkind_t *kind);
int memkind_create_pmem_with_config(struct memkind_config *cfg, memkind_t *kind);

/* The three of them are to be set; the path is kept, not copied. NULL: no memory. */
struct memkind_config *memkind_config_new(void);
void memkind_config_delete(struct memkind_config *cfg);
void memkind_config_set_path(struct memkind_config *cfg, const char *pmem_dir);
void memkind_config_set_size(struct memkind_config *cfg, size_t pmem_size);
void memkind_config_set_memory_usage_policy(struct memkind_config *cfg, memkind_mem_usage_policy policy);

/* A kind on memory of the program's, which is nobody else's until the kind is destroyed. Of two that overlap the second is refused. */
int memkind_create_fixed(void *addr, size_t size, memkind_t *kind);

/* One of the built-in kinds. */
int memkind_create_kind(memkind_memtype_t memtype_flags, memkind_policy_t policy, memkind_bits_t flags, memkind_t *kind);

/* Ends a kind with all its blocks; its file's storage is free. Of a built-in kind: does nothing. */
int memkind_destroy_kind(memkind_t kind);

/* MEMKIND_SUCCESS, or why there is no such memory. */
int memkind_check_available(memkind_t kind);

/* Whether files in a directory bypass the page cache: MEMKIND_ERROR_MMAP if not, MEMKIND_ERROR_RUNTIME if there can be none (errno). */
int memkind_check_dax_path(const char *pmem_dir);

/* Bytes: the limit, what the file system has, or the memory of the nodes. -1: that cannot be said. */
ssize_t memkind_get_capacity(memkind_t kind);

/*
 * As malloc() and its family, in a kind. A size of 0 gives NULL and no error. Where the kind may be NULL (freeing, resizing, asking)
 * it is found out. No room: NULL and ENOMEM, and everything that threads have cached was looked at before. What is no block of any kind
 * is refused: freeing it does nothing, resizing it gives NULL and EINVAL, its size is 0, its kind NULL.
 */
void *memkind_malloc(memkind_t kind, size_t size);
void *memkind_calloc(memkind_t kind, size_t num, size_t size);
void *memkind_realloc(memkind_t kind, void *ptr, size_t size);
void memkind_free(memkind_t kind, void *ptr);
size_t memkind_malloc_usable_size(memkind_t kind, MEMKIND_MALLOC_USABLE_SIZE_CONST void *ptr);
memkind_t memkind_detect_kind(void *ptr);

/* Returns 0, ENOMEM or EINVAL (an alignment that is no power of two, or less than a pointer's size) and leaves errno alone. */
int memkind_posix_memalign(memkind_t kind, void **memptr, size_t alignment, size_t size);

/* Moves a block to where it is of less harm, and gives its new address. NULL: it stays where it is. */
void *memkind_defrag_reallocate(memkind_t kind, void *ptr);

/* Looks at the numbers of all kinds; memkind_get_stat() tells what they were then, and MEMKIND_ERROR_INVALID before. */
int memkind_update_cached_stats(void);
int memkind_get_stat(memkind_t kind, memkind_stat_type stat, size_t *value);

/* The numbers of every kind in use as text or JSON, in pieces, to `write_cb`, or to standard error. */
int memkind_stats_print(void (*write_cb)(void *, const char *), void *cbopaque, memkind_stat_print_opt opts);

/* Accepted, and without effect: this library starts no threads. */
#if defined(__cplusplus) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L)
int memkind_set_bg_threads(bool state);
#else
int memkind_set_bg_threads(int state); /* C89 has no bool: 0 or 1 */
#endif

/* 1014000: the interface is that of memkind 1.14.0. */
int memkind_get_version(void);

/* Puts a text for a code into `msg`, cut to `size` bytes with the zero at its end. */
void memkind_error_message(int err, char *msg, size_t size);

int MEMKIND_DEPRECATED(memkind_get_kind_by_partition(int partition, memkind_t *kind));

enum memkind_base_partition {
	MEMKIND_PARTITION_DEFAULT = 0,
	MEMKIND_PARTITION_HBW = 1,
	MEMKIND_PARTITION_HBW_HUGETLB = 2,
	MEMKIND_PARTITION_HBW_PREFERRED = 3,
	MEMKIND_PARTITION_HBW_PREFERRED_HUGETLB = 4,
	MEMKIND_PARTITION_HUGETLB = 5,
	MEMKIND_PARTITION_HBW_GBTLB = 6,
	MEMKIND_PARTITION_HBW_PREFERRED_GBTLB = 7,
	MEMKIND_PARTITION_GBTLB = 8,
	MEMKIND_PARTITION_HBW_INTERLEAVE = 9,
	MEMKIND_PARTITION_INTERLEAVE = 10,
	MEMKIND_PARTITION_REGULAR = 11,
	MEMKIND_PARTITION_HBW_ALL = 12,
	MEMKIND_PARTITION_HBW_ALL_HUGETLB = 13,
	MEMKIND_PARTITION_DAX_KMEM = 14,
	MEMKIND_PARTITION_DAX_KMEM_ALL = 15,
	MEMKIND_PARTITION_DAX_KMEM_PREFERRED = 16,
	MEMKIND_PARTITION_DAX_KMEM_INTERLEAVE = 17,
	MEMKIND_PARTITION_HIGHEST_CAPACITY = 18,
	MEMKIND_PARTITION_HIGHEST_CAPACITY_PREFERRED = 19,
	MEMKIND_PARTITION_HIGHEST_CAPACITY_LOCAL = 20,
	MEMKIND_PARTITION_HIGHEST_CAPACITY_LOCAL_PREFERRED = 21,
	MEMKIND_PARTITION_LOWEST_LATENCY_LOCAL = 22,
	MEMKIND_PARTITION_LOWEST_LATENCY_LOCAL_PREFERRED = 23,
	MEMKIND_PARTITION_HIGHEST_BANDWIDTH_LOCAL = 24,
	MEMKIND_PARTITION_HIGHEST_BANDWIDTH_LOCAL_PREFERRED = 25,
	MEMKIND_NUM_BASE_KIND
};

#ifdef __cplusplus
}
#endif

#endif
