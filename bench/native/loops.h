/*
 * The loops, included once for every kind of allocator, with these macros defined:
 * FACE(name), ALLOCATE(size), RELEASE(pointer), REALLOCATE(pointer, size), CALLOCATE(size).
 * A round is one allocation (or one replaced block). A null block would crash: pools are chosen large enough.
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

/* Blocks of random sizes; each round frees a random one and allocates another in its place. */
static uint64_t FACE(live)(long rounds, size_t count) {
    uint64_t sum = 0;
    uint32_t state = 88172645;
    for (long i = 0; i < rounds; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        unsigned char **slot = &slots[state % count];
        if (*slot != NULL) {
            sum += **slot;
            RELEASE(*slot);
        }
        *slot = ALLOCATE(random_sizes[(state >> 8) & SIZE_MASK]);
        **slot = (unsigned char)i;
    }
    for (size_t i = 0; i < count; i++) {
        if (slots[i] != NULL) RELEASE(slots[i]);
        slots[i] = NULL;
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

/* The table's rows. Every inclusion redefines the functions behind it, so it is used right after each of them. */
#ifndef LOOPS
#define LOOPS                                                                                       \
    {"pair 8", FACE(pair), 8}, {"pair 64", FACE(pair), 64}, {"pair 256", FACE(pair), 256},          \
    {"pair 1024", FACE(pair), 1024}, {"pair 4096", FACE(pair), 4096},                               \
    {"pair 65536", FACE(pair), 65536}, {"pair 1048576", FACE(pair), 1048576},                       \
    {"mixed pair 16..1024", FACE(mixed_pair), 0}, {"live 1000", FACE(live), 1000},                  \
    {"live 10000", FACE(live), 10000}, {"calloc 64", FACE(zeroed_pair), 64},                        \
    {"calloc 4096", FACE(zeroed_pair), 4096}, {"grow by 64", FACE(grow), 64}
#endif
