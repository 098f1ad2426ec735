/*
 * Runs loops of allocations for bench/run.ts, which keeps one process of this program for every candidate and
 * asks them in turn: candidates are interleaved although each has its own allocator.
 *
 *   driver malloc                       malloc and free of this process (LD_PRELOAD decides whose they are)
 *   driver empty                        functions that do nothing: what the loops themselves cost
 *   driver region LIBRARY [MEBIBYTES]   a pool of libvmem in anonymous memory
 *   driver file LIBRARY DIRECTORY [MEBIBYTES [FFI]]      a pool of libvmem in a temporary file; FFI is the library for
 *                                       other languages, which can make lazy pools
 *
 * A line "list" on standard input is answered with the names of the works, between semicolons; a line "WORK ROUNDS"
 * with "NANOSECONDS PROOF". The proof is a number that every candidate must get, so that nobody is fast because
 * it did less. Time is the CPU time of the threads that work: other load on the machine stays out of it. Works with a
 * state (a set of live blocks, a full pool) make it at the first question and keep it until another work is asked for.
 * VMEM_BENCH_DIVISOR in the environment divides how large those states are: tests have little memory and time.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
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
    /* Of works with a state: makes it and ends it. */
    void (*prepare)(void);
    void (*leave)(void);
    const uint32_t *sizes;
    int threads;
};

/* The work asked for last. */
static const struct work *current;

/* Sizes from 16 to 1024 and from 16 to 64 KiB, the same for all candidates. */
#define SIZE_MASK 4095
static uint32_t random_sizes[SIZE_MASK + 1];
static uint32_t large_sizes[SIZE_MASK + 1];

/* Live blocks of each thread, and where its random numbers are. */
#define SLOTS 100000
static unsigned char *slots[2][SLOTS];
static uint32_t seeds[2];
static size_t divisor = 1;

static uint32_t next_random(uint32_t state) {
    state ^= state << 13;
    state ^= state >> 17;
    return state ^ (state << 5);
}

/* Of one thread. */
static size_t live_count(void) { return current->size / divisor / (size_t)current->threads; }

static void fail(const char *what, const char *why) {
    fprintf(stderr, "%s failed: %s\n", what, why);
    exit(1);
}

#include "team.h"

/* ---- whatever malloc is ------------------------------------------------------------------------------------ */

static void *(*process_malloc)(size_t);
static void (*process_free)(void *);
static void *(*process_realloc)(void *, size_t);
static void *(*process_calloc)(size_t, size_t);
static void *(*process_aligned)(size_t, size_t);

/* By name and through pointers, as a pool's functions are: the compiler must not leave out a malloc and its free. */
static void find_process_functions(void) {
    process_malloc = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "malloc");
    process_free = (void (*)(void *))dlsym(RTLD_DEFAULT, "free");
    process_realloc = (void *(*)(void *, size_t))dlsym(RTLD_DEFAULT, "realloc");
    process_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_DEFAULT, "calloc");
    process_aligned = (void *(*)(size_t, size_t))dlsym(RTLD_DEFAULT, "aligned_alloc");
}

#define FACE(name) process_##name
#define ALLOCATE(size) process_malloc(size)
#define RELEASE(pointer) process_free(pointer)
#define REALLOCATE(pointer, size) process_realloc(pointer, size)
#define CALLOCATE(size) process_calloc(1, size)
#define ALIGNED(alignment, size) process_aligned(alignment, size)
#include "loops.h"
static const struct work process_works[] = {LOOPS, FEW_LIVE, MANY_LIVE, HANDED_OVER, {0}};

/* ---- nothing ----------------------------------------------------------------------------------------------- */

static unsigned char one_block[1 << 20];

static __attribute__((noinline)) void *return_block(size_t size) {
    __asm__ volatile("" : : "r"(size));
    return one_block;
}
static __attribute__((noinline)) void do_nothing(void *pointer) { __asm__ volatile("" : : "r"(pointer)); }

static __attribute__((noinline)) void *return_aligned(size_t alignment, size_t size) {
    __asm__ volatile("" : : "r"(alignment), "r"(size));
    return one_block;
}

static void *(*volatile empty_malloc)(size_t) = return_block;
static void *(*volatile empty_aligned)(size_t, size_t) = return_aligned;
static void (*volatile empty_free)(void *) = do_nothing;

#undef FACE
#undef ALLOCATE
#undef RELEASE
#undef REALLOCATE
#undef CALLOCATE
#undef ALIGNED
#define FACE(name) empty_##name
#define ALLOCATE(size) empty_malloc(size)
#define RELEASE(pointer) empty_free(pointer)
#define REALLOCATE(pointer, size) empty_malloc(size)
#define CALLOCATE(size) empty_malloc(size)
#define ALIGNED(alignment, size) empty_aligned(alignment, size)
#define EMPTY
#include "loops.h"
#undef EMPTY
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
static void *(*pool_aligned)(VMEM *, size_t, size_t);
static size_t (*pool_usable_size)(VMEM *, void *);
static int (*pool_check)(VMEM *);
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
    pool_aligned = (void *(*)(VMEM *, size_t, size_t))find_function(library, "vmem_aligned_alloc");
    pool_usable_size = (size_t (*)(VMEM *, void *))find_function(library, "vmem_malloc_usable_size");
    pool_check = (int (*)(VMEM *))find_function(library, "vmem_check");
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
#undef ALIGNED
#define FACE(name) pool_##name##_loop
#define ALLOCATE(size) pool_malloc(pool, size)
#define RELEASE(pointer) pool_free(pool, pointer)
#define REALLOCATE(pointer, size) pool_realloc(pool, pointer, size)
#define CALLOCATE(size) pool_calloc(pool, 1, size)
#define ALIGNED(alignment, size) pool_aligned(pool, alignment, size)
#include "loops.h"

#define SMALLEST_POOL ((size_t)14 << 20)

/* Blocks that a new pool hands out until it says no. */
static uint64_t fill_pool(VMEM *some, size_t size) {
    uint64_t count = 0;
    while (pool_malloc(some, size) != NULL) count++;
    return count;
}

static uint64_t capacity_of(size_t bytes, long rounds, size_t size) {
    uint64_t count = 0;
    for (long i = 0; i < rounds; i++) {
        VMEM *some = create_pool(bytes);
        count = fill_pool(some, size);
        destroy_pool(some, bytes);
    }
    return count;
}

static uint64_t capacity_smallest(long rounds, size_t size) { return capacity_of(SMALLEST_POOL, rounds, size); }
static uint64_t capacity_64(long rounds, size_t size) { return capacity_of((size_t)64 << 20, rounds, size); }

/* Bytes that a block of the size really has. */
static uint64_t usable(long rounds, size_t size) {
    (void)rounds;
    void *block = pool_malloc(pool, size);
    uint64_t bytes = pool_usable_size(pool, block);
    pool_free(pool, block);
    return bytes;
}

static uint64_t create_and_delete(long rounds, size_t size) {
    for (long i = 0; i < rounds; i++) destroy_pool(create_pool(size), size);
    return 0;
}

/* The pool that is checked, and its bytes. */
static VMEM *checked;
static size_t checked_size;

static void prepare_empty(void) { checked = create_pool(checked_size = ((size_t)1 << 30) / divisor); }
static void prepare_full(void) {
    prepare_empty();
    fill_pool(checked, current->size);
}
static void leave_checked(void) { destroy_pool(checked, checked_size); }

static uint64_t check(long rounds, size_t unused) {
    (void)unused;
    uint64_t consistent = 0;
    for (long i = 0; i < rounds; i++) consistent += pool_check(checked) == 1;
    return consistent;
}

/* Through the library for other languages, whose pools are lazy: numbers and handles are doubles. */
static double (*ffi_create)(const double *, double, const char *, double);
static int32_t (*ffi_close)(double);
static double (*ffi_message)(char *, double);

static void open_ffi(const char *path) {
    void *library = dlopen(path, RTLD_NOW);
    if (library == NULL) fail("Opening the library for other languages", dlerror());
    ffi_create = (double (*)(const double *, double, const char *, double))find_function(library, "vmem_ffi_create");
    ffi_close = (int32_t (*)(double))find_function(library, "vmem_ffi_close");
    ffi_message = (double (*)(char *, double))find_function(library, "vmem_ffi_message");
}

static uint64_t create_lazy(long rounds, size_t size) {
    uint64_t closed = 0;
    /* Not eager; most bytes; how storage is given back and the hardening not chosen; no unsafe storage; no device, no
     * region; pages as they come, from any node. */
    const double options[] = {0, (double)size, -1, -1, 0, 0, 0, 0, 0, -1};
    for (long i = 0; i < rounds; i++) {
        double handle = ffi_create(options, sizeof options / sizeof options[0], directory, (double)strlen(directory));
        if (handle < 0) {
            char message[1024] = "";
            ffi_message(message, sizeof message - 1);
            fail("Creating a lazy pool", message);
        }
        closed += ffi_close(handle) == 0;
    }
    return closed;
}

#define CAPACITY(text, size) {.name = "capacity 14 MiB " text, capacity_smallest, size}
#define CAPACITY_64(text, size) {.name = "capacity 64 MiB " text, capacity_64, size}
#define USABLE(text, size) {.name = "usable " text, usable, size}
#define POOLS                                                                                       \
    LOOPS, FEW_LIVE, CAPACITY("8", 8), CAPACITY("16", 16), CAPACITY("24", 24), CAPACITY("64", 64),  \
    CAPACITY("100", 100), CAPACITY("256", 256), CAPACITY("1000", 1000), CAPACITY("4096", 4096),     \
    CAPACITY("4097", 4097), CAPACITY("65536", 65536), CAPACITY("1048576", 1048576),                 \
    CAPACITY("3145728", 3145728), CAPACITY("8388608", 8388608), CAPACITY("14155776", 14155776),     \
    USABLE("24", 24), USABLE("100", 100), USABLE("1000", 1000), USABLE("4097", 4097),               \
    {.name = "create 14 MiB", create_and_delete, SMALLEST_POOL},                                    \
    {.name = "create 28 MiB", create_and_delete, (size_t)28 << 20}

/* What takes more memory than a container's directory in memory may have. */
static const struct work region_works[] = {
    POOLS,
    MANY_LIVE,
    HANDED_OVER,
    CAPACITY_64("8", 8), CAPACITY_64("64", 64), CAPACITY_64("1024", 1024), CAPACITY_64("4096", 4096),
    CAPACITY_64("65536", 65536), CAPACITY_64("1048576", 1048576),
    {.name = "check 1 GiB, empty", check, 0, prepare_empty, leave_checked, NULL, 0},
    {.name = "check 1 GiB, full of 64 B", check, 64, prepare_full, leave_checked, NULL, 0},
    {0},
};

static const struct work file_works[] = {POOLS, {0}};
static const struct work ffi_works[] = {
    POOLS,
    {.name = "create lazy 1 GiB", create_lazy, (size_t)1 << 30},
    {0},
};

/* ---- questions and answers --------------------------------------------------------------------------------- */

static void answer_list(const struct work *works) {
    for (const struct work *work = works; work->name != NULL; work++) {
        printf("%s%s", work == works ? "" : ";", work->name);
    }
    printf("\n");
}

static void turn_to(const struct work *work) {
    if (work == current) return;
    if (current != NULL && current->leave != NULL) current->leave();
    end_helper();
    current = work;
    if (work->prepare != NULL) work->prepare();
}

static void answer(const struct work *works, char *line) {
    char *space = strrchr(line, ' ');
    if (space == NULL) fail("Reading a question", line);
    *space = '\0';
    long rounds = atol(space + 1);
    for (const struct work *work = works; work->name != NULL; work++) {
        if (strcmp(work->name, line) != 0) continue;
        turn_to(work);
        counted_time[0] = counted_time[1] = 0;
        int64_t start = thread_time();
        uint64_t proof = work->run(rounds, work->size);
        int64_t time = thread_time() - start;
        int64_t counted = counted_time[0] + counted_time[1];
        if (counted != 0) time = counted < 0 ? 0 : counted;
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
    size_t mebibytes = argc > 3 + in_file ? strtoul(argv[3 + in_file], NULL, 10) : 6144;
    open_library(argv[2]);
    pool = create_pool(mebibytes << 20);
    if (!in_file) return region_works;
    if (argc <= 5) return file_works;
    open_ffi(argv[5]);
    return ffi_works;
}

int main(int argc, char **argv) {
    uint32_t state = 2463534242;
    for (size_t i = 0; i <= SIZE_MASK; i++) {
        state = next_random(state);
        random_sizes[i] = 16 + state % 1009;
        large_sizes[i] = 16384 + state % 49153;
    }
    const char *divided = getenv("VMEM_BENCH_DIVISOR");
    if (divided != NULL) divisor = strtoul(divided, NULL, 10);
    if (divisor == 0) fail("Reading VMEM_BENCH_DIVISOR", divided);
    measure_asking();
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
