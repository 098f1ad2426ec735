/*
 * Runs loops of allocations for bench/run.ts, which keeps one process of this program for every candidate and
 * asks them in turn: candidates are interleaved although each has its own allocator.
 *
 *   driver malloc                       malloc and free of this process (LD_PRELOAD decides whose they are)
 *   driver empty                        functions that do nothing: what the loops themselves cost
 *   driver region LIBRARY [MEBIBYTES]   a pool of libvmem in anonymous memory
 *   driver file LIBRARY DIRECTORY [MEBIBYTES]      a pool of libvmem in a temporary file
 *
 * A line "list" on standard input is answered with the names of the works, between semicolons; a line "WORK ROUNDS"
 * with "NANOSECONDS PROOF". The proof is a number that every candidate must get, so that nobody is fast because
 * it did less. Time is the CPU time of the thread that works: other load on the machine stays out of it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

struct work {
    const char *name;
    uint64_t (*run)(long rounds, size_t size);
    size_t size;
};

/* Sizes from 16 to 1024, the same for all candidates. */
static uint16_t random_sizes[4096];
#define SIZE_MASK 4095

#define SLOTS 10000
static unsigned char *slots[SLOTS];

static void fail(const char *what, const char *why) {
    fprintf(stderr, "%s failed: %s\n", what, why);
    exit(1);
}

/* ---- whatever malloc is ------------------------------------------------------------------------------------ */

static void *(*process_malloc)(size_t);
static void (*process_free)(void *);
static void *(*process_realloc)(void *, size_t);
static void *(*process_calloc)(size_t, size_t);

/* By name and through pointers, as a pool's functions are: the compiler must not leave out a malloc and its free. */
static void find_process_functions(void) {
    process_malloc = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "malloc");
    process_free = (void (*)(void *))dlsym(RTLD_DEFAULT, "free");
    process_realloc = (void *(*)(void *, size_t))dlsym(RTLD_DEFAULT, "realloc");
    process_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_DEFAULT, "calloc");
}

#define FACE(name) process_##name
#define ALLOCATE(size) process_malloc(size)
#define RELEASE(pointer) process_free(pointer)
#define REALLOCATE(pointer, size) process_realloc(pointer, size)
#define CALLOCATE(size) process_calloc(1, size)
#include "loops.h"
static const struct work process_works[] = {LOOPS, {0}};

/* ---- nothing ----------------------------------------------------------------------------------------------- */

static unsigned char one_block[1 << 20];

static __attribute__((noinline)) void *return_block(size_t size) {
    __asm__ volatile("" : : "r"(size));
    return one_block;
}
static __attribute__((noinline)) void do_nothing(void *pointer) { __asm__ volatile("" : : "r"(pointer)); }

static void *(*volatile empty_malloc)(size_t) = return_block;
static void (*volatile empty_free)(void *) = do_nothing;

#undef FACE
#undef ALLOCATE
#undef RELEASE
#undef REALLOCATE
#undef CALLOCATE
#define FACE(name) empty_##name
#define ALLOCATE(size) empty_malloc(size)
#define RELEASE(pointer) empty_free(pointer)
#define REALLOCATE(pointer, size) empty_malloc(size)
#define CALLOCATE(size) empty_malloc(size)
#include "loops.h"
static const struct work empty_works[] = {LOOPS, {0}};

/* ---- a pool ------------------------------------------------------------------------------------------------ */

typedef struct vmem VMEM;
static VMEM *(*create_in_region)(void *, size_t);
static VMEM *(*create_in_file)(const char *, size_t);
static void (*delete_pool)(VMEM *);
static void *(*pool_malloc)(VMEM *, size_t);
static void (*pool_free)(VMEM *, void *);
static void *(*pool_realloc)(VMEM *, void *, size_t);
static void *(*pool_calloc)(VMEM *, size_t, size_t);
static const char *(*error_message)(void);

static const char *directory; /* NULL: pools in anonymous memory */
static VMEM *pool;

static void *find_function(void *library, const char *name) {
    void *function = dlsym(library, name);
    if (function == NULL) fail("Finding a function of libvmem", dlerror());
    return function;
}

static void open_library(const char *path) {
    void *library = dlopen(path, RTLD_NOW);
    if (library == NULL) fail("Opening libvmem", dlerror());
    create_in_region = (VMEM * (*)(void *, size_t)) find_function(library, "vmem_create_in_region");
    create_in_file = (VMEM * (*)(const char *, size_t)) find_function(library, "vmem_create");
    delete_pool = (void (*)(VMEM *))find_function(library, "vmem_delete");
    pool_malloc = (void *(*)(VMEM *, size_t))find_function(library, "vmem_malloc");
    pool_free = (void (*)(VMEM *, void *))find_function(library, "vmem_free");
    pool_realloc = (void *(*)(VMEM *, void *, size_t))find_function(library, "vmem_realloc");
    pool_calloc = (void *(*)(VMEM *, size_t, size_t))find_function(library, "vmem_calloc");
    error_message = (const char *(*)(void))find_function(library, "vmem_errormsg");
}

#define REGION_ALIGNMENT ((size_t)4 << 20)

static void *map_region(size_t size) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    size_t reserved = size + REGION_ALIGNMENT;
    char *region = mmap(NULL, reserved, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (region == MAP_FAILED) fail("Mapping a region", strerror(errno));
    size_t front = -(uintptr_t)region & (REGION_ALIGNMENT - 1);
    if (front != 0) munmap(region, front);
    munmap(region + front + size, reserved - front - size);
    return region + front;
}

static VMEM *create_pool(size_t size) {
    VMEM *created = directory == NULL ? create_in_region(map_region(size), size) : create_in_file(directory, size);
    if (created == NULL) fail("Creating a pool", error_message());
    return created;
}

/* A pool's handle is the address of its memory, which stays mapped when the pool was made in a region. */
static void destroy_pool(VMEM *doomed, size_t size) {
    delete_pool(doomed);
    if (directory == NULL) munmap((void *)doomed, size);
}

#undef FACE
#undef ALLOCATE
#undef RELEASE
#undef REALLOCATE
#undef CALLOCATE
#define FACE(name) pool_##name##_loop
#define ALLOCATE(size) pool_malloc(pool, size)
#define RELEASE(pointer) pool_free(pool, pointer)
#define REALLOCATE(pointer, size) pool_realloc(pool, pointer, size)
#define CALLOCATE(size) pool_calloc(pool, 1, size)
#include "loops.h"

#define SMALLEST_POOL ((size_t)14 << 20)

/* Blocks that a new pool of 14 MiB hands out until it says no. */
static uint64_t capacity(long rounds, size_t size) {
    uint64_t count = 0;
    for (long i = 0; i < rounds; i++) {
        VMEM *small = create_pool(SMALLEST_POOL);
        for (count = 0; pool_malloc(small, size) != NULL;) count++;
        destroy_pool(small, SMALLEST_POOL);
    }
    return count;
}

static uint64_t create_and_delete(long rounds, size_t size) {
    for (long i = 0; i < rounds; i++) destroy_pool(create_pool(size), size);
    return 0;
}

static const struct work pool_works[] = {
    LOOPS,
    {"capacity 16", capacity, 16},
    {"capacity 64", capacity, 64},
    {"capacity 1024", capacity, 1024},
    {"capacity 4096", capacity, 4096},
    {"create 14 MiB", create_and_delete, SMALLEST_POOL},
    {"create 28 MiB", create_and_delete, (size_t)28 << 20},
    {0},
};

/* ---- questions and answers --------------------------------------------------------------------------------- */

static void answer_list(const struct work *works) {
    for (const struct work *work = works; work->name != NULL; work++) {
        printf("%s%s", work == works ? "" : ";", work->name);
    }
    printf("\n");
}

static void answer(const struct work *works, char *line) {
    char *space = strrchr(line, ' ');
    if (space == NULL) fail("Reading a question", line);
    *space = '\0';
    long rounds = atol(space + 1);
    for (const struct work *work = works; work->name != NULL; work++) {
        if (strcmp(work->name, line) != 0) continue;
        struct timespec start, end;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
        uint64_t proof = work->run(rounds, work->size);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        int64_t time = (int64_t)(end.tv_sec - start.tv_sec) * 1000000000 + (end.tv_nsec - start.tv_nsec);
        printf("%lld %llu\n", (long long)time, (unsigned long long)proof);
        return;
    }
    fail("Finding a work", line);
}

static const struct work *choose_works(int argc, char **argv) {
    const char *face = argc > 1 ? argv[1] : "";
    if (strcmp(face, "malloc") == 0) return process_works;
    if (strcmp(face, "empty") == 0) return empty_works;
    int in_file = strcmp(face, "file") == 0;
    if (argc < 3 + in_file || (!in_file && strcmp(face, "region") != 0)) {
        fail("Starting", "the arguments are malloc, empty, region LIBRARY or file LIBRARY DIRECTORY");
    }
    if (in_file) directory = argv[3];
    size_t mebibytes = argc > 3 + in_file ? strtoul(argv[3 + in_file], NULL, 10) : 256;
    open_library(argv[2]);
    pool = create_pool(mebibytes << 20);
    return pool_works;
}

int main(int argc, char **argv) {
    uint32_t state = 2463534242;
    for (size_t i = 0; i <= SIZE_MASK; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        random_sizes[i] = (uint16_t)(16 + state % 1009);
    }
    find_process_functions();
    const struct work *works = choose_works(argc, argv);
    char line[256];
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "list") == 0) answer_list(works);
        else answer(works, line);
        fflush(stdout);
    }
    return 0;
}
