/*
 * The loops, included once for every kind of allocator, with these macros defined:
 * FACE(name), ALLOCATE(size), RELEASE(pointer), REALLOCATE(pointer, size), CALLOCATE(size), ALIGNED(alignment, size).
 * A round is one allocation (or one replaced block). A null block would crash: pools are chosen large enough.
 *
 * What reads back what it wrote into several blocks is not for the functions that do nothing, which have one block:
 * EMPTY is defined for them.
 */

static uint64_t FACE(pair)(long rounds, size_t size) {
    uint64_t sum = 0;
    for (long i = 0; i < rounds; i++) {
        unsigned char *block = ALLOCATE(size);
        block[0] = (unsigned char)i;
        sum += block[0];
        RELEASE(block);
    }
    return sum;
}

static uint64_t FACE(mixed_pair)(long rounds, size_t unused) {
    (void)unused;
    uint64_t sum = 0;
    for (long i = 0; i < rounds; i++) {
        unsigned char *block = ALLOCATE(random_sizes[i & SIZE_MASK]);
        block[0] = (unsigned char)i;
        sum += block[0];
        RELEASE(block);
    }
    return sum;
}

static uint64_t FACE(zeroed_pair)(long rounds, size_t size) {
    uint64_t sum = 0;
    for (long i = 0; i < rounds; i++) {
        unsigned char *block = CALLOCATE(size);
        sum += block[size / 2];
        RELEASE(block);
    }
    return sum;
}

/* One round is one step of a block that grows by 64 bytes to 64 KiB. */
static uint64_t FACE(grow)(long rounds, size_t step) {
    unsigned char *block = NULL;
    size_t size = 0;
    uint64_t sum = 0;
    for (long i = 0; i < rounds; i++) {
        size = size >= 1024 * step ? step : size + step;
        if (size == step && block != NULL) {
            RELEASE(block);
            block = NULL;
        }
        block = block == NULL ? ALLOCATE(size) : REALLOCATE(block, size);
        block[size - 1] = 1;
        sum += block[size - 1];
    }
    if (block != NULL) RELEASE(block);
    return sum;
}

/* One round is the whole way of a block that grows by 64 bytes to `limit`: most of its cost may be near the end. */
static uint64_t FACE(grow_whole)(long rounds, size_t limit) {
    uint64_t sum = 0;
    for (long i = 0; i < rounds; i++) {
        unsigned char *block = ALLOCATE(64);
        for (size_t size = 128; size <= limit; size += 64) {
            block[size - 65] = 1;
            block = REALLOCATE(block, size);
            sum += block[size - 65];
        }
        RELEASE(block);
    }
    return sum;
}

/* The size is the alignment. */
static uint64_t FACE(aligned_pair)(long rounds, size_t alignment) {
    uint64_t sum = 0;
    for (long i = 0; i < rounds; i++) {
        unsigned char *block = ALIGNED(alignment, alignment);
        block[0] = (unsigned char)i;
        sum += block[0];
        RELEASE(block);
    }
    return sum;
}

#ifndef EMPTY

/* Each round frees a random block of the thread's live set and allocates another in its place. */
static uint64_t FACE(replace)(int thread, long rounds, size_t count) {
    uint64_t sum = 0;
    const uint32_t *sizes = current->sizes;
    uint32_t state = seeds[thread];
    for (long i = 0; i < rounds; i++) {
        state = next_random(state);
        unsigned char **slot = &slots[thread][(uint64_t)state * count >> 32];
        sum += **slot;
        RELEASE(*slot);
        *slot = ALLOCATE(sizes[state & SIZE_MASK]);
        **slot = (unsigned char)state;
    }
    seeds[thread] = state;
    return sum;
}

/* The live set before the first round. All of it is written to, so that the pages are there, and then much of it
 * replaced, so that the order of its addresses is nobody's gift. */
static uint64_t FACE(fill)(int thread, long count, size_t unused) {
    (void)unused;
    seeds[thread] = 88172645 + (uint32_t)thread;
    for (long i = 0; i < count; i++) {
        size_t size = current->sizes[i & SIZE_MASK];
        slots[thread][i] = ALLOCATE(size);
        memset(slots[thread][i], (int)(i % 255) + 1, size);
    }
    return FACE(replace)(thread, 2 * count, (size_t)count);
}

static uint64_t FACE(clear)(int thread, long count, size_t unused) {
    (void)unused;
    for (long i = 0; i < count; i++) RELEASE(slots[thread][i]);
    return 0;
}

static void FACE(prepare)(void) { in_all_threads(FACE(fill), (long)live_count(), 0); }
static void FACE(leave)(void) { in_all_threads(FACE(clear), (long)live_count(), 0); }

static uint64_t FACE(live)(long rounds, size_t unused) {
    (void)unused;
    return in_all_threads(FACE(replace), rounds / current->threads, live_count());
}

static void FACE(make)(struct batch *batch, long count, size_t size) {
    for (long i = 0; i < count; i++) {
        unsigned char *block = ALLOCATE(size);
        block[0] = (unsigned char)(i + 1);
        batch->blocks[i] = block;
    }
    batch->count = count;
}

static uint64_t FACE(drop)(struct batch *batch) {
    uint64_t sum = 0;
    for (long i = 0; i < batch->count; i++) {
        sum += batch->blocks[i][0];
        RELEASE(batch->blocks[i]);
    }
    return sum;
}

static void FACE(send)(int thread, long count, size_t size) {
    struct batch *batch = next_to_fill(&rings[thread]);
    int64_t start = thread_time();
    FACE(make)(batch, count, size);
    count_time(thread, start);
    hand_over(&rings[thread]);
}

static uint64_t FACE(receive)(int thread) {
    struct ring *ring = &rings[1 - thread];
    struct batch *batch = next_to_empty(ring);
    int64_t start = thread_time();
    uint64_t sum = FACE(drop)(batch);
    count_time(thread, start);
    hand_back(ring);
    return sum;
}

/* Both threads allocate, and free what the other one allocated. */
static uint64_t FACE(exchange_part)(int thread, long rounds, size_t size) {
    uint64_t sum = 0;
    for (long left = rounds; left > 0; left -= BATCH) {
        FACE(send)(thread, left < BATCH ? left : BATCH, size);
        sum += FACE(receive)(thread);
    }
    return sum;
}

/* The first thread allocates, the second frees. */
static uint64_t FACE(stream_part)(int thread, long rounds, size_t size) {
    uint64_t sum = 0;
    for (long left = rounds; left > 0; left -= BATCH) {
        if (thread == 0) FACE(send)(thread, left < BATCH ? left : BATCH, size);
        else sum += FACE(receive)(thread);
    }
    return sum;
}

static uint64_t FACE(exchange)(long rounds, size_t size) {
    return in_two_threads(FACE(exchange_part), (rounds + 1) / 2, size);
}

static uint64_t FACE(stream)(long rounds, size_t size) { return in_two_threads(FACE(stream_part), rounds, size); }

#endif

/* The table's rows. Every inclusion redefines the functions behind them, so they are used right after each of them. */
#ifndef LOOPS
#define LOOPS                                                                                       \
    {.name = "pair 8", FACE(pair), 8}, {.name = "pair 64", FACE(pair), 64},                         \
    {.name = "pair 256", FACE(pair), 256}, {.name = "pair 1024", FACE(pair), 1024},                 \
    {.name = "pair 4096", FACE(pair), 4096}, {.name = "pair 65536", FACE(pair), 65536},             \
    {.name = "pair 262144", FACE(pair), 262144}, {.name = "pair 1048576", FACE(pair), 1048576},     \
    {.name = "mixed pair 16..1024", FACE(mixed_pair), 0},                                           \
    {.name = "calloc 64", FACE(zeroed_pair), 64}, {.name = "calloc 4096", FACE(zeroed_pair), 4096}, \
    {.name = "calloc 65536", FACE(zeroed_pair), 65536},                                             \
    {.name = "aligned 64", FACE(aligned_pair), 64},                                                 \
    {.name = "aligned 4096", FACE(aligned_pair), 4096},                                             \
    {.name = "grow by 64", FACE(grow), 64},                                                         \
    {.name = "grow by 64 to 1 MiB", FACE(grow_whole), (size_t)1 << 20}
#define LIVE(text, count, its_sizes, its_threads)                                                   \
    {.name = text, FACE(live), count, FACE(prepare), FACE(leave), its_sizes, its_threads}
#define FEW_LIVE LIVE("live 1000", 1000, random_sizes, 1), LIVE("live 10000", 10000, random_sizes, 1)
/* Of a process with one thread first: a C library may be slower once there was another. */
#define MANY_LIVE                                                                                   \
    LIVE("live 100000", 100000, random_sizes, 1), LIVE("large live 1000", 1000, large_sizes, 1),    \
    LIVE("large live 10000", 10000, large_sizes, 1),                                                \
    LIVE("large live 100000", 100000, large_sizes, 1),                                                \
    LIVE("live 1000, 2 threads", 1000, random_sizes, 2),                                            \
    LIVE("live 10000, 2 threads", 10000, random_sizes, 2),                                          \
    LIVE("live 100000, 2 threads", 100000, random_sizes, 2),                                        \
    LIVE("large live 1000, 2 threads", 1000, large_sizes, 2),                                       \
    LIVE("large live 10000, 2 threads", 10000, large_sizes, 2),                                     \
    LIVE("large live 100000, 2 threads", 100000, large_sizes, 2)
#define HANDED_OVER                                                                                 \
    {.name = "exchange 64, 2 threads", FACE(exchange), 64},                                         \
    {.name = "produce and consume 64", FACE(stream), 64}
#endif
