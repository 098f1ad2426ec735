/*
 * libvmem.h: malloc on a file, a mount of fast memory, or a region of your own
 *
 * Copyright (c) 2026, the vmem authors
 * SPDX-License-Identifier: BSD-3-Clause (the text is in the file LICENSE)
 *
 * This header is the manual. It works with C89 and later and with C++; programs written for libvmem 1.0 and 1.1 compile
 * and link unchanged (`-lvmem`, libvmem.so.1, symbol version LIBVMEM_1.0). libvmem_ext.h has more: growing pools, options
 * of one pool, jemalloc's controls.
 *
 *
 * WHAT IT DOES
 *
 * A pool is memory with a heap in it. vmem_create() takes the memory from a nameless temporary file, so a pool can be
 * larger than RAM, live on persistent memory or on any other mounted file system; vmem_create_in_region() uses memory that
 * the program already has. vmem_malloc() and its family work in a pool as malloc() and its family do in the process.
 * Pools are volatile: nothing of them can be found again when the process has ended, however it ended.
 *
 *     #include <stdio.h>
 *     #include <string.h>
 *     #include <libvmem.h>
 *
 *     int main(void)
 *     {
 *         VMEM *pool = vmem_create("/tmp", VMEM_MIN_POOL);
 *         char *text;
 *
 *         if (pool == NULL) {
 *             fprintf(stderr, "vmem_create: %s\n", vmem_errormsg());
 *             return 1;
 *         }
 *         text = (char *)vmem_malloc(pool, 100);
 *         if (text == NULL) {
 *             perror("vmem_malloc");
 *             return 1;
 *         }
 *         strcpy(text, "hello, world");
 *         puts(text);
 *         vmem_free(pool, text);
 *         vmem_delete(pool);
 *         return 0;
 *     }
 *
 *
 * OWNERSHIP
 *
 * A handle (VMEM *) is valid from its creation to vmem_delete(). It is an address, but nothing behind it may be touched: the
 * first page of a pool is there to fault. A block belongs to the pool that gave it and ends with vmem_free(), vmem_realloc()
 * or the pool's vmem_delete(), whichever comes first; blocks need not be freed before a pool is deleted. A block is aligned to
 * 8 bytes up to a size of 8, to 16 above. Its contents are undefined unless vmem_calloc() gave it.
 *
 *
 * THREADS
 *
 * Every function may be called from any thread at any time, and a block may be freed by another thread than the one that
 * allocated it. Each thread keeps some freed blocks of the pools it uses for itself; they go back when the thread ends, and
 * earlier when the pool would otherwise be full: an allocation fails only if the whole pool has no room. The library starts
 * no threads and installs no signal handlers. It is not safe to call it from a signal handler. Deleting a pool while another
 * thread is still allocating in it or touching its blocks is a mistake that the library cannot make good; calls that come after
 * the deletion are refused.
 *
 *
 * FORK
 *
 * Parent and child of fork() share a pool's bytes, so only one of them can go on allocating: the parent. In the child every
 * pool of the parent is closed. Allocating fails with EBADF, freeing is ignored, the blocks can still be read, and the child
 * may create pools of its own. The parent notices nothing. exec() closes everything; no descriptor is inherited.
 *
 *
 * ERRORS
 *
 * A function that fails returns NULL (or what its description says) and sets errno. vmem_errormsg() has a sentence about
 * the last failure of the thread; running out of pool memory does not change it. Wrong use that can be noticed (NULL or deleted
 * handles, addresses in which no block starts, a second vmem_free() where it is seen) is refused with EINVAL, or ignored in
 * functions without a result, and described by vmem_errormsg(); it does not harm the pool.
 *
 *
 * ENVIRONMENT
 *
 *   VMEM_LOG_LEVEL    what is logged: 0 (the default) nothing, 1 all messages, those of wrong use too; read once
 *   VMEM_LOG_FILE     the file at whose end log and statistics are added, instead of standard error; behind a name that ends in "-"
 *                     stands the number of the process
 *   PMEM_MMAP_HINT    a hexadecimal address: vmem_create() takes the first hole of the address space at or above it
 *   VMEM_MALLOC_CONF  options of all pools, pairs name:value with commas between them; read before the first pool is created.
 *                     JE_VMEM_MALLOC_CONF is another name for it; an option that both give is as VMEM_MALLOC_CONF says
 *
 *   hardening:N        0 to 3, how wrong use is looked for. 0: what is noticed is ignored without a word. 1 (the default): and
 *                      reported, a second free at the latest when caches are emptied. 2: a second free is noticed at once. 3:
 *                      and freed blocks are filled with 0x5a and held back for a while, writing to them is reported, and blocks
 *                      above 14 KiB end before a page that faults
 *   abort:B            wrong use that is reported ends the process with SIGABRT (false)
 *   junk:W             false (the default); alloc: new blocks are filled with 0xa5; free: freed ones with 0x5a; true: both. Up to
 *                      64 KiB of a block
 *   zero:B             new blocks are filled with zeros (false)
 *   narenas:N          1 to 1024 shards that threads are distributed to (one for each 64 MiB, at most four for each processor)
 *   tcache:B           threads keep freed blocks (true)
 *   lg_tcache_max:N    0 to 20: they keep blocks of up to 2^N bytes (20)
 *   dirty_decay_ms:N   milliseconds between two times that a growing pool gives unused storage back; 0 at once, -1 never (10000).
 *                      Pools of vmem_create() have a fixed size and keep their storage
 *   redzone:B          bytes behind each block tell when they were written to; for the library for debugging only (true there)
 *   stats_print:B      what vmem_stats_print() says of each pool that is open at exit() (false)
 *
 * B is true or false, W a word, N a decimal number. What is not understood is logged and left out, the rest counts. Levels
 * 2 and 3 of hardening, junk and zero make every call slower: docs/tuning.md has the figures.
 *
 *
 * DEBUGGING
 *
 * lib/vmem_debug/libvmem.so.1 is the same library with checks; LD_LIBRARY_PATH leads a program to it. There abort, junk and redzone
 * are on, a pool is checked once more when it is deleted, and Valgrind sees each block in the size that was asked for. The log has three
 * more levels: 2 pools that are made, checked and deleted, 3 each call, 4 what each call gave. VMEM_LOG_FILE is emptied at the first
 * call; if it cannot be, the process ends.
 */

#ifndef LIBVMEM_H
#define LIBVMEM_H 1

#include <stddef.h>
#include <sys/types.h> /* not needed here: programs written for the original may count on it */

#ifdef __cplusplus
extern "C" {
#endif

/* A pool. Opaque, and not readable. */
typedef struct vmem VMEM;

/* The smallest pool: 14 MiB. */
#define VMEM_MIN_POOL ((size_t)14 * 1024 * 1024)

/* The version of the interface that this header describes, for vmem_check_version(). */
#define VMEM_MAJOR_VERSION 1
#define VMEM_MINOR_VERSION 1


/* ---- Pools ------------------------------------------------------------------------------------------------------ */

/*
 * Creates a pool of `size` bytes on a temporary file without a name in the directory `dir`.
 *
 * `size` is rounded up to whole pages. All of the storage is allocated here, so that a full file system is noticed now and not
 * when a block is touched; bookkeeping lies elsewhere, and nearly all of `size` can be allocated. The pool's address is a
 * multiple of 4 MiB. The time is that of allocating storage: on tmpfs that is memory, which is cleared later, when it is touched first.
 *
 * If `dir` is a device of DAX (/dev/daxX.Y), the pool is all of its memory. `size` is what the device must have at least; 0 stands for
 * any. The device serves one pool at a time; until vmem_delete(), or until a child of fork() that was made before has ended or
 * called exec(), it is in use. It keeps what was written to it. If it is taken away or fails meanwhile, touching it raises SIGBUS.
 *
 * Returns the pool, or NULL with errno:
 *
 *   EINVAL        `size` is less than VMEM_MIN_POOL or wraps when it is rounded up, the device has less; `dir` is NULL, or a
 *                 character device that is not one of DAX
 *   ENOENT        `dir` does not exist, is "" or a symbolic link that leads nowhere; its file system lets nobody create files (/proc)
 *   ENOTDIR       `dir` or a part of it is not a directory
 *   ELOOP         too many symbolic links
 *   ENAMETOOLONG  the path or a part of it is too long
 *   EACCES        no permission to create files in `dir`, or to write to the device
 *   EROFS         the file system is mounted read-only
 *   ENOSPC        the file system has not that much room or no file left, the device is smaller
 *   EDQUOT        the user has not that much quota
 *   EFBIG         more than a file can have on this file system, by RLIMIT_FSIZE, or at all
 *   ENOMEM        no address space or too many mappings (the message names the limit: RLIMIT_AS, vm.max_map_count), no memory for
 *                 bookkeeping
 *   EMFILE        no descriptor left in the process, or 65 535 pools exist
 *   ENFILE        no file left in the system
 *   EBUSY         the device is in use
 *   ENXIO         the device is bound to no driver, or serves as system memory
 *   EOPNOTSUPP    the device needs huge pages, which are disabled in this process (prctl PR_SET_THP_DISABLE)
 *   EIO           the file system or the device failed, or the system does not say what the device is
 *
 * On file systems that cannot promise storage (copy on write, or without fallocate) the pool is created all the same; when such
 * a file system is full, touching a block may raise SIGBUS.
 */
VMEM *vmem_create(const char *dir, size_t size);

/*
 * Creates a pool in `size` bytes of memory at `addr`, which the program has mapped readable and writable.
 *
 * `addr` is a multiple of the page size; `size` may be any number from VMEM_MIN_POOL up, of which whole pages are used. The
 * memory's contents are lost. Until vmem_delete() it must stay mapped and must not be touched but through blocks; its first page
 * cannot be touched at all, unless its pages are larger than the system's (hugetlbfs, devices). Afterwards it is the program's
 * again, with undefined contents, and never unmapped. Regions of several pools should not overlap: creating them works,
 * vmem_check() then calls all of them inconsistent.
 *
 * Returns the pool, whose handle is `addr`, or NULL with errno:
 *
 *   EINVAL  `addr` is NULL or not a multiple of the page size, `size` is less than VMEM_MIN_POOL, or the region does not fit
 *           into the address space
 *   EBUSY   a pool with the same `addr` exists
 *   ENOMEM  the first page is not mapped, or too many mappings, or no memory for bookkeeping
 *   EMFILE  65 535 pools exist
 */
VMEM *vmem_create_in_region(void *addr, size_t size);

/*
 * Ends a pool and all of its blocks. The storage of a pool of vmem_create() goes back to the file system; a region goes back to the
 * program. errno is left alone, unless `vmp` is not a pool: EINVAL (NULL, deleted before, never was one) or EBADF (the
 * parent's, in the child of a fork); then nothing else happens.
 */
void vmem_delete(VMEM *vmp);

/*
 * Walks through the bookkeeping of a pool and checks it; blocks and free memory are not read. Other calls that use the pool wait
 * meanwhile. What is wrong can be read with vmem_errormsg() and in the log.
 *
 * Returns 1 if all is well, 0 if the pool is inconsistent or shares memory with another pool, and -1 with errno as for vmem_delete()
 * if `vmp` is not a pool.
 */
int vmem_check(VMEM *vmp);

/*
 * Prints statistics of a pool: to the function given to vmem_set_funcs(), else to the end of the file that VMEM_LOG_FILE
 * names, else to standard error. In every build.
 *
 * A letter in `opts` leaves a section out: g version and settings, m what is summed over all arenas, a each arena, b each
 * class of small blocks, l each size of large ones. J gives JSON instead of text. Other letters are ignored; NULL is like "".
 * docs/stats.md explains every line. The totals are always there:
 *
 *   Allocated         bytes of blocks in use, as rounded up by their size classes
 *   active            bytes of pages that hold blocks in use or kept by threads
 *   metadata          bytes of the library's own memory for the pool, outside of it
 *   mapped            bytes of the pool
 *   Current active ceiling   the most that `active` ever was
 *   Committed         bytes that have storage
 *   available, largest free  bytes that can still be allocated, altogether and at once
 *
 * errno as for vmem_delete() if `vmp` is not a pool, and nothing is printed.
 */
void vmem_stats_print(VMEM *vmp, const char *opts);


/* ---- Blocks ----------------------------------------------------------------------------------------------------- */

/*
 * All functions that return a block return NULL on failure, with errno:
 *
 *   ENOMEM  the pool has no room for a block of that size, or the size is more than any pool has, or vmem_set_funcs() gave the
 *           library a malloc that has nothing; vmem_errormsg() stays as it was
 *   EINVAL  `vmp` is not a pool; or what the function says
 *   EBADF   `vmp` is the parent's, in the child of a fork
 *
 * Successful calls leave errno alone.
 */

/* A block of at least `size` bytes. A size of 0 gives a block of its own, of 8 bytes. */
void *vmem_malloc(VMEM *vmp, size_t size);

/*
 * Gives a block back. NULL is ignored. errno is never changed.
 *
 * An address in which no block of the pool starts is ignored and reported (vmem_errormsg(), log), so is a block that is known
 * to be free. A second free of a block that the thread still keeps for itself is noticed later, and the pool stays consistent;
 * but until then the block may be handed out twice.
 */
void vmem_free(VMEM *vmp, void *ptr);

/*
 * A block for an array of `nmemb` times `size` bytes, all zero. ENOMEM also if the product does not fit into a size_t. A product
 * of 0 is like vmem_malloc() of 0.
 */
void *vmem_calloc(VMEM *vmp, size_t nmemb, size_t size);

/*
 * Changes the size of a block and keeps its contents up to the smaller size; the block may move, and then `ptr` is no longer one.
 * On failure the block is as it was; making a block smaller never fails. Bytes beyond the old size are undefined.
 *
 * `ptr` NULL is like vmem_malloc(). A size of 0 frees the block and returns NULL with errno left alone. EINVAL also if no block of
 * the pool starts at `ptr`.
 */
void *vmem_realloc(VMEM *vmp, void *ptr, size_t size);

/*
 * A block at a multiple of `alignment`, which is a power of two (1, 2 and 4 included) and otherwise EINVAL. `size` need not be a
 * multiple of it.
 */
void *vmem_aligned_alloc(VMEM *vmp, size_t alignment, size_t size);

/* A copy of a string, in a block of its own. EINVAL also if `s` is NULL. */
char *vmem_strdup(VMEM *vmp, const char *s);

/* A copy of a string of wide characters, in a block of its own. EINVAL also if `s` is NULL. */
wchar_t *vmem_wcsdup(VMEM *vmp, const wchar_t *s);

/*
 * The bytes of a block that can be used: what was asked for or a little more. 0 for NULL, and 0 with errno EINVAL if no block
 * of the pool starts at `ptr`.
 */
size_t vmem_malloc_usable_size(VMEM *vmp, void *ptr);


/* ---- The library ------------------------------------------------------------------------------------------------ */

/*
 * Asks whether the library is what a program was made for:
 *
 *     const char *reason = vmem_check_version(VMEM_MAJOR_VERSION, VMEM_MINOR_VERSION);
 *
 * Returns NULL if the major version is the same and the minor version is not newer than the library's; otherwise the reason, which is
 * also the thread's vmem_errormsg() and lives as long. errno is left alone. All functions exist since version 1.0.
 */
const char *vmem_check_version(unsigned major_required, unsigned minor_required);

/*
 * Replaces functions that the library uses. NULL stands for the library's own.
 *
 * `malloc_func` and `free_func` serve the records that the library keeps for each thread. They count only if both are given
 * before the first pool is created, and later changes are ignored. When `malloc_func` returns NULL, pools can still be created,
 * but the thread cannot allocate in them (ENOMEM). What `malloc_func` gave goes to `free_func` when the thread ends or deletes a pool.
 * `realloc_func` and `strdup_func` are accepted and
 * never called. `print_func` receives statistics and log lines, complete lines with their newline, on the thread they come from; it must
 * not call the library. Without it they go where ENVIRONMENT above says.
 */
void vmem_set_funcs(
	void *(*malloc_func)(size_t size),
	void (*free_func)(void *ptr),
	void *(*realloc_func)(void *ptr, size_t size),
	char *(*strdup_func)(const char *s),
	void (*print_func)(const char *s));

/*
 * The calling thread's last message, "" before the first one. No function clears it, so it means something only after a call that
 * failed. Valid until the thread's next message or its end; not to be modified or freed.
 */
const char *vmem_errormsg(void);

#ifdef __cplusplus
}
#endif

#endif /* LIBVMEM_H */
