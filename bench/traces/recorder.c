/*
 * Writes down what a program allocates and frees: LD_PRELOAD=recorder.so TRACE_DIRECTORY=... program
 *
 * Every process gets a file of its own, PROCESS-NUMBER.trace, in the format of format.h; after an exec the next number
 * is used. The events are written through a shared mapping of the file, so that nothing is lost
 * however a process ends. The state lies in memory that a fork wipes: the child starts its own file without a handler.
 * Calls go on to the allocator that the program would have had. The recorder itself allocates nothing.
 *
 * Without TRACE_DIRECTORY, or when a file cannot be made, nothing is recorded and the program runs on.
 */
#define _GNU_SOURCE
#include "format.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define WINDOW ((size_t)16 << 20)
#define PAGE 4096

/* ---- The allocator behind ---------------------------------------------------------------------------------- */

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*memalign)(size_t, size_t);
    void (*free)(void *);
    size_t (*usable)(void *);
} next;

static enum { UNKNOWN, LOOKING, KNOWN } search;

/* Blocks for the calls that dlsym itself may make, never given back. Cleared, as calloc needs. */
static char early[1 << 16] __attribute__((aligned(16)));
static size_t early_used;

static void *early_block(size_t size) {
    size_t needed = (size + 31) & ~(size_t)15; /* 16 bytes before the block hold its size */
    if (needed > sizeof early - early_used) _exit(99);
    char *block = early + early_used + 16;
    early_used += needed;
    memcpy(block - 16, &size, sizeof size);
    return block;
}

static int is_early(const void *block) {
    return (uintptr_t)block - (uintptr_t)early < sizeof early;
}

static void *early_realloc(const void *block, size_t size) {
    size_t old = 0;
    if (block != NULL) memcpy(&old, (const char *)block - 16, sizeof old);
    void *moved = search == KNOWN ? next.malloc(size) : early_block(size);
    if (moved != NULL && old > 0) memcpy(moved, block, old < size ? old : size);
    return moved;
}

/* The first call comes from the dynamic linker, before there is a second thread. */
static int ready(void) {
    if (search == KNOWN) return 1;
    if (search == LOOKING) return 0;
    search = LOOKING;
    *(void **)&next.malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&next.calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&next.realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&next.memalign = dlsym(RTLD_NEXT, "memalign");
    *(void **)&next.free = dlsym(RTLD_NEXT, "free");
    *(void **)&next.usable = dlsym(RTLD_NEXT, "malloc_usable_size");
    search = KNOWN;
    return 1;
}

/* ---- The file ---------------------------------------------------------------------------------------------- */

struct state {
    int lock;
    enum { NEW, RECORDING, OFF } mode;
    int file;
    unsigned threads;
    uint64_t *at;
    uint64_t *end;
    off_t length;
};

/* In a page of its own that a fork's child sees as zeros: not locked, NEW. */
static struct state *state;
static __thread unsigned thread_number;

static void lock(void) {
    if (state == NULL) {
        void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED || madvise(page, PAGE, MADV_WIPEONFORK) != 0) _exit(99);
        state = page;
    }
    while (__atomic_exchange_n(&state->lock, 1, __ATOMIC_ACQUIRE) != 0) sched_yield();
}

static void unlock(void) {
    __atomic_store_n(&state->lock, 0, __ATOMIC_RELEASE);
}

/* From the kernel: before the C library's constructors there is no getenv. */
static const char *directory(void) {
    static char text[1 << 16];
    const char name[] = "TRACE_DIRECTORY=";
    int file = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);
    if (file < 0) return NULL;
    size_t filled = 0;
    ssize_t got;
    while ((got = read(file, text + filled, sizeof text - 1 - filled)) > 0) filled += (size_t)got;
    close(file);
    text[filled] = 0;
    for (size_t i = 0; i < filled; i += strlen(text + i) + 1) {
        if (strncmp(text + i, name, sizeof name - 1) == 0) return text + i + sizeof name - 1;
    }
    return NULL;
}

static int next_window(void) {
    if (ftruncate(state->file, state->length + (off_t)WINDOW) != 0) return 0;
    void *window = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, state->file, state->length);
    if (window == MAP_FAILED) return 0;
    if (state->end != NULL) munmap((char *)state->end - WINDOW, WINDOW);
    state->at = window;
    state->end = (uint64_t *)((char *)window + WINDOW);
    state->length += (off_t)WINDOW;
    return 1;
}

static void write_header(void) {
    struct trace_header *header = (struct trace_header *)state->at;
    header->magic = TRACE_MAGIC;
    header->process = (uint64_t)getpid();
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        ssize_t got = read(file, header->command, sizeof header->command - 1);
        if (got < 0) header->command[0] = 0;
        close(file);
    }
    state->at = (uint64_t *)(header + 1);
}

static void start(void) {
    state->mode = OFF;
    const char *folder = directory();
    if (folder == NULL) return;
    char path[4096];
    state->file = -1;
    for (int number = 0; number < 1000 && state->file < 0; number += 1) {
        /* O_EXCL: after an exec the process has the number it had. */
        snprintf(path, sizeof path, "%s/%d-%d.trace", folder, (int)getpid(), number);
        state->file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (state->file < 0 && errno != EEXIST) return;
    }
    if (state->file < 0) return;
    /* Out of the way of programs that close or count low descriptors. */
    int high = fcntl(state->file, F_DUPFD_CLOEXEC, 900);
    if (high >= 0) {
        close(state->file);
        state->file = high;
    }
    if (!next_window()) return;
    write_header();
    state->mode = RECORDING;
}

/* Under the lock. Windows are multiples of a word: an event may lie in two. */
static void put(uint64_t word) {
    if (state->at == state->end && !next_window()) {
        state->mode = OFF;
        return;
    }
    *state->at++ = word;
}

static void record_locked(enum trace_kind kind, const void *block, size_t size, size_t alignment, const void *old) {
    if (state->mode == NEW) {
        int saved = errno;
        start();
        errno = saved;
    }
    if (state->mode != RECORDING) return;
    if (thread_number == 0) thread_number = ++state->threads;
    uint64_t thread = thread_number & ((1u << TRACE_THREAD_BITS) - 1);
    uint64_t second = (uint64_t)(unsigned)__builtin_ctzll(alignment) << TRACE_SIZE_BITS | size;
    put((((uint64_t)kind << TRACE_THREAD_BITS | thread) << TRACE_ADDRESS_BITS) | (uintptr_t)block);
    if (kind == TRACE_FREE || state->mode != RECORDING) return;
    put(second);
    if (kind == TRACE_REALLOC && state->mode == RECORDING) put((uintptr_t)old);
}

static void record(enum trace_kind kind, const void *block, size_t size, size_t alignment) {
    lock();
    record_locked(kind, block, size, alignment, NULL);
    unlock();
}

/* ---- What programs call ------------------------------------------------------------------------------------ */

EXPORT void *malloc(size_t size) {
    if (!ready()) return early_block(size);
    void *block = next.malloc(size);
    if (block != NULL) record(TRACE_MALLOC, block, size, 1);
    return block;
}

EXPORT void *calloc(size_t count, size_t size) {
    size_t bytes;
    if (!ready()) return __builtin_mul_overflow(count, size, &bytes) ? NULL : early_block(bytes);
    void *block = next.calloc(count, size);
    if (block != NULL) record(TRACE_CALLOC, block, count * size, 1);
    return block;
}

/* Before the block can be anybody else's: then the order in the file is right without a lock around both. */
EXPORT void free(void *block) {
    if (block == NULL || is_early(block)) return;
    if (!ready()) return;
    int saved = errno;
    record(TRACE_FREE, block, 0, 1);
    next.free(block);
    errno = saved;
}

/* Both under the lock: what is freed in here may at once be another thread's. */
EXPORT void *realloc(void *block, size_t size) {
    if (!ready() || (block != NULL && is_early(block))) return early_realloc(block, size);
    if (block == NULL) return malloc(size);
    lock();
    void *moved = next.realloc(block, size);
    if (moved != NULL) record_locked(TRACE_REALLOC, moved, size, 1, block);
    if (moved == NULL && size == 0) record_locked(TRACE_FREE, block, 0, 1, NULL);
    unlock();
    return moved;
}

EXPORT void *reallocarray(void *block, size_t count, size_t size) {
    size_t bytes;
    if (!__builtin_mul_overflow(count, size, &bytes)) return realloc(block, bytes);
    errno = ENOMEM;
    return NULL;
}

EXPORT void *memalign(size_t alignment, size_t size) {
    if (!ready()) return early_block(size);
    void *block = next.memalign(alignment, size);
    if (block != NULL) record(TRACE_ALIGNED, block, size, alignment);
    return block;
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) {
    return memalign(alignment, size);
}

EXPORT int posix_memalign(void **result, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    int saved = errno;
    void *block = memalign(alignment, size);
    errno = saved;
    if (block == NULL) return ENOMEM;
    *result = block;
    return 0;
}

EXPORT void *valloc(size_t size) {
    return memalign(PAGE, size);
}

EXPORT void *pvalloc(size_t size) {
    return memalign(PAGE, (size + PAGE - 1) & ~(size_t)(PAGE - 1));
}

EXPORT size_t malloc_usable_size(void *block) {
    size_t size = 0;
    if (block == NULL) return 0;
    if (!is_early(block) && ready()) return next.usable(block);
    memcpy(&size, (const char *)block - 16, sizeof size);
    return size;
}
