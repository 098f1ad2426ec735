/*
 * libvmem_ext.h: more control over pools, by the names and contracts of jemalloc
 *
 * Copyright (c) 2026, the vmem authors
 * SPDX-License-Identifier: BSD-3-Clause (the text is in the file LICENSE)
 *
 * This header is the manual. It works with C89 and later and with C++. The functions are in libvmem.so.1 (`-lvmem`),
 * under a symbol version of their own, VMEM_EXT_1.0, and work on every pool of libvmem.h, which says what a pool and a
 * block are, what threads and a fork may do, and what VMEM_MALLOC_CONF sets.
 *
 *
 * WHAT IT DOES
 *
 * vmemx_create() makes pools that vmem_create() cannot: growing ones, ones that give storage back, with options of
 * their own. The functions that end in "allocx" are jemalloc's, each with a pool as its first argument, and vmemx_ctl()
 * is its mallctl(). vmemx_trim() gives storage back, vmemx_owner() says whose an address is, vmemx_walk() shows the
 * live blocks.
 *
 *     #include <stdio.h>
 *     #include <libvmem_ext.h>
 *
 *     int main(void)
 *     {
 *         struct vmemx_options options = VMEMX_OPTIONS_INIT;
 *         size_t allocated, length = sizeof allocated;
 *         VMEM *pool;
 *         void *block;
 *
 *         options.dir = "/tmp";
 *         options.max_size = (size_t)1 << 30;
 *         pool = vmemx_create(&options);
 *         if (pool == NULL) {
 *             fprintf(stderr, "vmemx_create: %s\n", vmem_errormsg());
 *             return 1;
 *         }
 *         block = vmemx_mallocx(pool, 1000, VMEMX_ALIGN(256) | VMEMX_ZERO);
 *         if (block == NULL) {
 *             perror("vmemx_mallocx");
 *             return 1;
 *         }
 *         if (vmemx_ctl(pool, "stats.allocated", &allocated, &length, NULL, 0) == 0)
 *             printf("%lu bytes are in use\n", (unsigned long)allocated);
 *         vmemx_sdallocx(pool, block, 1000, VMEMX_ALIGN(256));
 *         vmem_delete(pool);
 *         return 0;
 *     }
 *
 *
 * ERRORS
 *
 * As in libvmem.h: a function that fails says so by its result and sets errno, vmem_errormsg() has a sentence, and what
 * can be noticed of wrong use is refused without harm to the pool. Every function that takes a pool fails with
 *
 *   EINVAL  it is not a pool: NULL, deleted, or never one
 *   EBADF   it is the parent's, in the child of a fork
 *
 * What jemalloc leaves undefined (a size of 0, flags without a meaning, foreign pointers) is refused with EINVAL here.
 */

#ifndef LIBVMEM_EXT_H
#define LIBVMEM_EXT_H 1

#include <stddef.h>
#include <libvmem.h>

#ifdef __cplusplus
extern "C" {
#endif


/* ---- Pools ------------------------------------------------------------------------------------------------------ */

/* The smallest pool of vmemx_create(): 1 MiB. */
#define VMEMX_MIN_POOL ((size_t)1024 * 1024)

/*
 * What a pool is to be. `struct_size` is sizeof(struct vmemx_options); all that is not said is 0 (VMEMX_OPTIONS_INIT).
 * A program that was compiled with an older, shorter record gets zeros for the rest; one with a newer, longer record is
 * refused (EINVAL) if it says something that the library does not know.
 */
struct vmemx_options {
	size_t struct_size;

	/* Where the memory comes from: one of the two, or VMEMX_PRIVATE. */
	const char *dir;     /* a directory for a temporary file, or a device of DAX, as for vmem_create() */
	void *region;        /* `size` bytes of the program's own, as for vmem_create_in_region() */

	/* How much: one of the two. With neither a pool in `dir` grows as far as its file system has room now, at most to 1 TiB and to less
	 * where many pools are open, a private one to 1 TiB, and a device gives all it has. */
	size_t size;         /* bytes, all of their storage allocated at once, as vmem_create() does */
	size_t max_size;     /* bytes up to which the pool grows; storage is allocated as it is needed and may be given back */

	/* Options as in VMEM_MALLOC_CONF, for this pool and before that, but abort and stats_print; NULL: none. */
	const char *conf;

	/* These go before both of those strings. */
	unsigned hardening;  /* VMEMX_HARDENING(0) to (3) */
	unsigned narenas;    /* 1 to 1024 */
	unsigned give_back;  /* of a growing pool: VMEMX_GIVE_BACK_DECAY, _IMMEDIATE or _NEVER */
	unsigned numa_node;  /* VMEMX_NUMA_NODE(n): pages come from this node as long as it has any */

	unsigned flags;      /* VMEMX_PREFAULT, VMEMX_HUGE_PAGES, VMEMX_PRIVATE */
	unsigned reserved;   /* 0 */
};

/* Nothing said: to begin with. */
#define VMEMX_OPTIONS_INIT { sizeof(struct vmemx_options), NULL, NULL, 0, 0, NULL, 0, 0, 0, 0, 0, 0 }

/* How wrong use is looked for; see libvmem.h. */
#define VMEMX_HARDENING(level) ((unsigned)(level) + 1)

/* Storage that no block needs goes back after dirty_decay_ms (after 10 s if that is not above 0), at once, or by
 * vmemx_trim() only. */
#define VMEMX_GIVE_BACK_DECAY 1u
#define VMEMX_GIVE_BACK_IMMEDIATE 2u
#define VMEMX_GIVE_BACK_NEVER 3u

#define VMEMX_NUMA_NODE(node) ((unsigned)(node) + 1)

#define VMEMX_PREFAULT 1u    /* pages are mapped as soon as they have storage, so that no touch waits for one */
#define VMEMX_HUGE_PAGES 2u  /* of 2 MiB where the system has them left */
#define VMEMX_PRIVATE 4u     /* memory of the process, without a file: the system allocates it when it is touched */

/*
 * Creates a pool. Its handle works with every function of both headers, and vmem_delete() ends it. The strings and the
 * record are read here and not needed afterwards. PMEM_MMAP_HINT counts, as for vmem_create().
 *
 * Returns the pool, or NULL with errno: what vmem_create() and vmem_create_in_region() say (with VMEMX_MIN_POOL as the
 * smallest), and
 *
 *   EINVAL      `options` is NULL, or something in it cannot be: vmem_errormsg() names the field, its value and what is
 *               allowed; the process has no memory on the node
 *   EOPNOTSUPP  pages cannot be placed there: a node for those of a disk or device, huge pages where the device or the
 *               process has none
 *   EPERM       the process may not choose a node
 */
VMEM *vmemx_create(const struct vmemx_options *options);

/*
 * Gives storage back that no block needs, also what threads have cached (as far as 2 MiB lie side by side). Does
 * nothing to pools of a fixed size. Takes locks that calls of other threads wait for.
 *
 * Returns 1 if there was any, 0 if not, -1 with errno.
 */
int vmemx_trim(VMEM *vmp);

/*
 * The pool in whose memory an address lies, whether a block is there or not; NULL if there is none. Of several pools
 * that share the address, any. Takes no lock; some nanoseconds for the pool that the thread used last, else about one
 * for each pool of the process. errno and message are left alone. A pool that is deleted meanwhile may be the answer
 * still.
 */
VMEM *vmemx_owner(const void *ptr);

/*
 * Calls `visit` for each live block with the block, its usable bytes, and `arg`. What threads have cached is not live;
 * it is taken back first, so a walk empties their caches (not at hardening levels 2 and 3).
 *
 * Blocks are listed under locks, some thousands at a time, and visited without any: `visit` may use the pool, free the
 * block that it is given, and other threads may work. A block that is live from the beginning of the walk to its end is
 * visited once, no address is visited twice, and blocks that are allocated or freed meanwhile, by whomever, may be
 * visited or not: a block may be gone by the time it is visited, unless the program sees to it that nobody frees.
 * Without membarrier(2) blocks in other threads' caches are visited, too. `visit` must return (no longjmp, no
 * exception).
 *
 * Returns 0 when all were visited, what `visit` returned if that was not 0, and then the walk ends; or -1 with errno:
 * EINVAL also if `visit` is NULL or the pool was deleted meanwhile, ENOMEM if there is no memory for the list (128
 * KiB).
 */
int vmemx_walk(VMEM *vmp, int (*visit)(void *block, size_t size, void *arg), void *arg);


/* ---- Blocks ----------------------------------------------------------------------------------------------------- */

/*
 * Flags, to be combined by |. They are jemalloc's, by value too. An arena is named by its number, below what
 * vmemx_ctl() says of "arenas.narenas"; a block that is asked for in an arena does not come from the thread's cache,
 * and large blocks (above 14 KiB) are of no arena. Caches of their own (MALLOCX_TCACHE(n)) a pool has not.
 */
#define VMEMX_LG_ALIGN(la) ((int)(la))  /* a multiple of 2 to the power of `la` */
#define VMEMX_ALIGN(a) /* a multiple of `a`, a power of two; `a` is evaluated several times */ \
	((VMEMX_FOLDED_(a) & 0xaaaaaaaaul ? 1 : 0) | (VMEMX_FOLDED_(a) & 0xccccccccul ? 2 : 0) | \
	(VMEMX_FOLDED_(a) & 0xf0f0f0f0ul ? 4 : 0) | (VMEMX_FOLDED_(a) & 0xff00ff00ul ? 8 : 0) | \
	(VMEMX_FOLDED_(a) & 0xffff0000ul ? 16 : 0) | ((size_t)(a) >> 16 >> 16 ? 32 : 0))
#define VMEMX_FOLDED_(a) (((size_t)(a) | (size_t)(a) >> 16 >> 16) & 0xfffffffful)
#define VMEMX_ZERO ((int)0x40)          /* what is new is zero, all usable bytes of it */
#define VMEMX_TCACHE_NONE ((int)0x100)  /* past the thread's cache */
#define VMEMX_ARENA(a) ((int)(((unsigned)(a) + 1) << 20))

/*
 * A block of at least `size` bytes. Unlike after vmem_calloc(), all of its usable bytes are zero with VMEMX_ZERO, so
 * that vmemx_rallocx() can grow it with zeros.
 *
 * NULL with errno: ENOMEM, the pool has no room; EINVAL, `size` is 0, the flags mean nothing, the pool has no such
 * arena.
 */
void *vmemx_mallocx(VMEM *vmp, size_t size, int flags);

/*
 * Changes the size of a block and keeps its contents up to the smaller of its usable sizes before and after. It moves
 * if it has to, or is not aligned as the flags say, and then `ptr` is no block any more. With VMEMX_ZERO usable bytes
 * that it did not have before are zero.
 *
 * NULL with errno as vmemx_mallocx(), also EINVAL if no block of the pool starts at `ptr`, NULL included; the block is
 * as it was. Making a block smaller never fails: one that cannot move stays.
 */
void *vmemx_rallocx(VMEM *vmp, void *ptr, size_t size, int flags);

/*
 * Resizes a block where it is: to `size` + `extra` bytes if possible, else to `size`, else not at all. Blocks of up to
 * 14 KiB keep their size, and a block that is not aligned as the flags say does, too. With VMEMX_ZERO usable bytes that
 * it did not have before are zero.
 *
 * Returns the usable bytes that the block has then: less than `size` if there was no room. 0 with errno EINVAL if no
 * block starts at `ptr`, `size` is 0 or the flags mean nothing.
 */
size_t vmemx_xallocx(VMEM *vmp, void *ptr, size_t size, size_t extra, int flags);

/* The usable bytes of a block. 0 with errno EINVAL if no block starts at `ptr`. The flags are ignored. */
size_t vmemx_sallocx(VMEM *vmp, const void *ptr, int flags);

/*
 * Frees a block; VMEMX_TCACHE_NONE takes it past the thread's cache, other flags are ignored if they mean something.
 * NULL is ignored. errno is never changed. What is noticed of wrong use is ignored and reported, as by vmem_free().
 */
void vmemx_dallocx(VMEM *vmp, void *ptr, int flags);

/*
 * Frees a block that was asked for with `size` bytes, or has as many, and with the alignment of the flags. At hardening
 * levels 1 and above a size of another class is reported and the block is not freed: `ptr` may be another one than the
 * program believes. (A block whose shrinking failed for want of room has its old size still: vmemx_sallocx() knows.)
 */
void vmemx_sdallocx(VMEM *vmp, void *ptr, size_t size, int flags);

/*
 * The usable bytes that vmemx_mallocx() would give, without allocating. Never more than jemalloc's nallocx(), but for
 * sizes of up to 8 at hardening levels 2 and 3, where blocks have at least 16. 0 with errno: ENOMEM, the pool is
 * smaller than that; EINVAL, `size` is 0, or the flags mean nothing.
 */
size_t vmemx_nallocx(VMEM *vmp, size_t size, int flags);


/* ---- Asking and setting by name --------------------------------------------------------------------------------- */

/*
 * jemalloc's mallctl() for one pool. If `oldp` and `oldlenp` are given, the value of `name` is stored there, and
 * *oldlenp is the size of its type before and after. If `newp` is given, `newlen` is that size, and the value becomes
 * the new one. Names, types and results are jemalloc's; docs/controls.md lists them. In short:
 *
 *   version, epoch, config.*, opt.*       constants, and what the pool was created with
 *   arenas.*                              arenas and size classes; arenas.dirty_decay_ms can be set
 *   thread.arena, thread.tcache.enabled   of the calling thread in this pool; can be set
 *   thread.tcache.flush, thread.idle      what the thread has cached goes back
 *   arena.<i>.purge, .decay               storage goes back: all that is unused, what is due
 *   arena.<i>.dirty_decay_ms              when storage goes back, of the whole pool; can be set
 *   stats.*                               numbers as they are now; `epoch` counts, but need not be set
 *   vmem.*                                what jemalloc has not: base, hardening, committed, available, largest_free,
 *                                         peak, cached
 *
 * VMEMX_CTL_ARENAS_ALL stands for all arenas where an index of one is expected.
 *
 * Returns 0 or the error itself; errno is left alone.
 *
 *   ENOENT  there is no such name, or no such index
 *   EPERM   it cannot be set, or not be read
 *   EINVAL  *oldlenp or `newlen` is not the size of the type (as much as fits is stored, *oldlenp says how much); not a
 *           pool, or for arenas.lookup not a block
 *   EFAULT  the new value is out of range; thread.tcache.flush: the thread keeps no blocks
 *   EAGAIN  the thread has no cache that could remember its arena
 *   EBADF   the parent's pool, in the child of a fork
 */
int vmemx_ctl(VMEM *vmp, const char *name, void *oldp, size_t *oldlenp, void *newp, size_t newlen);

#define VMEMX_CTL_ARENAS_ALL 4096

#ifdef __cplusplus
}
#endif

#endif /* LIBVMEM_EXT_H */
