/*
 * Replays a recorded trace (format.h) for traces.ts, on one thread, in the recorded order.
 *
 *   replay TRACE malloc         malloc and free of this process (LD_PRELOAD decides whose they are)
 *   replay TRACE pool LIBRARY   pools of libvmem in anonymous memory
 *
 * It answers lines on standard input with one line each:
 *
 *   trace        EVENTS PEAK BLOCKS: events, the most bytes that were requested and live at once, how many blocks then
 *   fit BYTES    "fits", or "fails EVENT": whether a new pool of that size serves the trace
 *   round BYTES  usable bytes of the blocks that are live at the trace's peak, in a pool of that size
 *   time BYTES   nanoseconds of CPU time for an event; the pool, of that size, is kept for the next question
 *   grow         the most that the process's resident memory grew by, in bytes; to be asked first
 *   why BYTES    what a pool of that size is full of when it fails, a line for each usable size, then an empty line
 *
 * Every page of a block is written, and its first bytes are verified before it is released.
 */
#define _GNU_SOURCE
#include "format.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../include/libvmem.h"

#define PAGE 4096

static void fail(const char *what, const char *why) {
    fprintf(stderr, "%s failed: %s\n", what, why);
    exit(1);
}

static void *map(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) fail("Mapping memory", strerror(errno));
    return memory;
}

/* ---- The trace, with slot numbers in place of addresses ---------------------------------------------------- */

struct event {
    uint64_t size;
    uint32_t slot;
    uint8_t kind;
    uint8_t alignment; /* log2 */
};

struct slot {
    unsigned char *block;
    uint64_t size;
};

static struct event *events;
static size_t event_count;
static struct slot *slots;
static uint32_t slot_count;
static uint64_t peak_bytes, peak_event, peak_blocks;

/* Live addresses and their slots: open addressing, linear probing. */
static struct entry {
    uint64_t address;
    uint32_t slot;
} *table;
static size_t table_mask;

static size_t home(uint64_t address) {
    return (size_t)((address >> 3) * 0x9e3779b97f4a7c15u >> 20) & table_mask;
}

static struct entry *lookup(uint64_t address) {
    size_t i = home(address);
    while (table[i].address != 0 && table[i].address != address) i = (i + 1) & table_mask;
    return &table[i];
}

static void forget(struct entry *entry) {
    size_t hole = (size_t)(entry - table);
    for (size_t i = (hole + 1) & table_mask; table[i].address != 0; i = (i + 1) & table_mask) {
        if (((i - home(table[i].address)) & table_mask) < ((i - hole) & table_mask)) continue;
        table[hole] = table[i];
        hole = i;
    }
    table[hole].address = 0;
}

static uint32_t *unused_slots;
static size_t unused_count;
static uint64_t live_bytes, live_blocks;

static void append(uint8_t kind, uint32_t slot, uint64_t size, uint8_t alignment) {
    events[event_count++] = (struct event){size, slot, kind, alignment};
    live_bytes += size - slots[slot].size;
    live_blocks += kind != TRACE_FREE && kind != TRACE_REALLOC;
    live_blocks -= kind == TRACE_FREE;
    slots[slot].size = size;
    if (live_bytes <= peak_bytes) return;
    peak_bytes = live_bytes;
    peak_blocks = live_blocks;
    peak_event = event_count;
}

static void append_free(struct entry *entry) {
    append(TRACE_FREE, entry->slot, 0, 0);
    unused_slots[unused_count++] = entry->slot;
    forget(entry);
}

static void append_new(uint8_t kind, uint64_t address, uint64_t size, uint8_t alignment) {
    struct entry *entry = lookup(address);
    if (entry->address != 0) {
        append_free(entry); /* released by a function that is not recorded */
        entry = lookup(address);
    }
    uint32_t slot = unused_count > 0 ? unused_slots[--unused_count] : slot_count++;
    *entry = (struct entry){address, slot};
    append(kind, slot, size, alignment);
}

static void append_realloc(uint64_t address, uint64_t size, uint64_t old) {
    struct entry *entry = lookup(old);
    if (entry->address == 0) return append_new(TRACE_MALLOC, address, size, 0);
    uint32_t slot = entry->slot;
    forget(entry);
    struct entry *moved = lookup(address);
    if (moved->address != 0) append_free(moved);
    *lookup(address) = (struct entry){address, slot};
    append(TRACE_REALLOC, slot, size, 0);
}

static void load(const char *path) {
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0) fail("Opening the trace", strerror(errno));
    size_t bytes = (size_t)status.st_size;
    const struct trace_header *header = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    if (header == MAP_FAILED || bytes < sizeof *header || header->magic != TRACE_MAGIC) fail("Reading the trace", path);
    const uint64_t *word = (const uint64_t *)(header + 1);
    const uint64_t *end = (const uint64_t *)header + bytes / 8;
    size_t words = (size_t)(end - word);
    for (table_mask = 1; table_mask < words; table_mask *= 2) continue;
    size_t table_bytes = table_mask * sizeof *table;
    table_mask -= 1;
    table = map(table_bytes);
    unused_slots = map(words * sizeof *unused_slots);
    events = map((words + 1) * 2 * sizeof *events);
    slots = map(words * sizeof *slots);
    while (word < end && *word != 0) {
        uint64_t address = *word & ((UINT64_C(1) << TRACE_ADDRESS_BITS) - 1);
        uint8_t kind = (uint8_t)(*word >> (TRACE_ADDRESS_BITS + TRACE_THREAD_BITS));
        size_t length = kind == TRACE_FREE ? 1 : kind == TRACE_REALLOC ? 3 : 2;
        if (kind > TRACE_FREE || (size_t)(end - word) < length) fail("Reading the trace", "an event is damaged");
        if (kind == TRACE_FREE) {
            struct entry *entry = lookup(address);
            if (entry->address != 0) append_free(entry); /* else older than the trace: the parent's, before a fork */
        } else {
            uint64_t size = word[1] & ((UINT64_C(1) << TRACE_SIZE_BITS) - 1);
            if (kind == TRACE_REALLOC) append_realloc(address, size, word[2]);
            else append_new(kind, address, size, (uint8_t)(word[1] >> TRACE_SIZE_BITS));
        }
        word += length;
    }
    munmap((void *)header, bytes);
    munmap(table, table_bytes);
    munmap(unused_slots, words * sizeof *unused_slots);
    close(file);
    for (uint32_t i = 0; i < slot_count; i += 1) slots[i] = (struct slot){NULL, 0}; /* and none is touched for the first time later */
}

/* ---- Allocators -------------------------------------------------------------------------------------------- */

struct face {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*aligned)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
};

static struct {
    VMEM *(*create)(void *, size_t);
    void (*delete)(VMEM *);
    int (*check)(VMEM *);
    void *(*malloc)(VMEM *, size_t);
    void *(*calloc)(VMEM *, size_t, size_t);
    void *(*aligned)(VMEM *, size_t, size_t);
    void *(*realloc)(VMEM *, void *, size_t);
    void (*free)(VMEM *, void *);
    size_t (*usable)(VMEM *, void *);
    void (*stats)(VMEM *, const char *);
    void (*set)(void *(*)(size_t), void (*)(void *), void *(*)(void *, size_t), char *(*)(const char *), void (*)(const char *));
} vmem;

static VMEM *pool;
static void *region;
static size_t region_bytes;

static void *pool_malloc(size_t size) { return vmem.malloc(pool, size); }
static void *pool_calloc(size_t count, size_t size) { return vmem.calloc(pool, count, size); }
static void *pool_aligned(size_t alignment, size_t size) { return vmem.aligned(pool, alignment, size); }
static void *pool_realloc(void *block, size_t size) { return vmem.realloc(pool, block, size); }
static void pool_free(void *block) { vmem.free(pool, block); }

static const struct face pool_face = {pool_malloc, pool_calloc, pool_aligned, pool_realloc, pool_free};
static struct face process_face;
static const struct face *face;

static void *find(void *library, const char *name) {
    void *function = dlsym(library, name);
    if (function == NULL) fail("Finding a function", name);
    return function;
}

static void find_pools(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) fail("Opening the library", dlerror());
    *(void **)&vmem.create = find(library, "vmem_create_in_region");
    *(void **)&vmem.delete = find(library, "vmem_delete");
    *(void **)&vmem.check = find(library, "vmem_check");
    *(void **)&vmem.malloc = find(library, "vmem_malloc");
    *(void **)&vmem.calloc = find(library, "vmem_calloc");
    *(void **)&vmem.aligned = find(library, "vmem_aligned_alloc");
    *(void **)&vmem.realloc = find(library, "vmem_realloc");
    *(void **)&vmem.free = find(library, "vmem_free");
    *(void **)&vmem.usable = find(library, "vmem_malloc_usable_size");
    *(void **)&vmem.stats = find(library, "vmem_stats_print");
    *(void **)&vmem.set = find(library, "vmem_set_funcs");
    face = &pool_face;
}

/* By name: the compiler must not leave out a malloc and its free. */
static void find_process(void) {
    *(void **)&process_face.malloc = find(RTLD_DEFAULT, "malloc");
    *(void **)&process_face.calloc = find(RTLD_DEFAULT, "calloc");
    *(void **)&process_face.aligned = find(RTLD_DEFAULT, "memalign");
    *(void **)&process_face.realloc = find(RTLD_DEFAULT, "realloc");
    *(void **)&process_face.free = find(RTLD_DEFAULT, "free");
    face = &process_face;
}

static void drop_pool(void) {
    if (pool == NULL) return;
    vmem.delete(pool);
    munmap(region, region_bytes);
    pool = NULL;
}

/* A pool of `size` bytes in new memory, in place of the one there is. */
static void make_pool(size_t size) {
    drop_pool();
    region_bytes = size;
    region = map(size);
    pool = vmem.create(region, size);
    if (pool == NULL) fail("vmem_create_in_region", strerror(errno));
}

/* ---- The replay -------------------------------------------------------------------------------------------- */

static void touch(unsigned char *block, uint64_t from, uint64_t to) {
    for (uint64_t i = from; i < to; i += PAGE) block[i] = 1;
    if (to > from) block[to - 1] = 1;
}

static void tag(const struct slot *slot, uint32_t number) {
    if (slot->size >= sizeof number) memcpy(slot->block, &number, sizeof number);
}

static void verify(const struct slot *slot, uint32_t number) {
    uint32_t found = number;
    if (slot->size >= sizeof number) memcpy(&found, slot->block, sizeof found);
    if (found != number) fail("Verifying a block", "another one was written over it");
}

static int replay_one(const struct event *event) {
    struct slot *slot = &slots[event->slot];
    uint64_t kept = 0;
    unsigned char *block;
    switch (event->kind) {
    case TRACE_FREE:
        verify(slot, event->slot);
        face->free(slot->block);
        slot->block = NULL;
        return 1;
    case TRACE_REALLOC:
        /* To 0 bytes means to free in some allocators: all replay it as to 1. */
        block = face->realloc(slot->block, event->size > 0 ? event->size : 1);
        kept = slot->size < event->size ? slot->size : event->size;
        break;
    case TRACE_CALLOC: block = face->calloc(1, event->size); break;
    case TRACE_ALIGNED: block = face->aligned((size_t)1 << event->alignment, event->size); break;
    default: block = face->malloc(event->size); break;
    }
    if (block == NULL) return 0;
    slot->block = block;
    slot->size = event->size;
    touch(block, kept, event->size);
    if (event->kind == TRACE_REALLOC && kept >= sizeof event->slot) verify(slot, event->slot);
    tag(slot, event->slot);
    return 1;
}

/* The number of events that were served, of the first `count`. */
static size_t replay(size_t count) {
    for (size_t i = 0; i < count; i += 1) {
        if (!replay_one(&events[i])) return i;
    }
    return count;
}

static void release_all(void) {
    for (uint32_t i = 0; i < slot_count; i += 1) {
        if (slots[i].block != NULL) face->free(slots[i].block);
        slots[i].block = NULL;
    }
}

/* ---- Questions --------------------------------------------------------------------------------------------- */

static void answer_fit(size_t size) {
    make_pool(size);
    size_t served = replay(event_count);
    release_all();
    if (vmem.check(pool) != 1) fail("vmem_check", "the pool is not consistent");
    drop_pool();
    if (served == event_count) puts("fits");
    else printf("fails %zu\n", served);
}

static void answer_round(size_t size) {
    uint64_t usable = 0;
    make_pool(size);
    if (replay(peak_event) != peak_event) fail("Replaying up to the peak", "the pool is too small");
    for (uint32_t i = 0; i < slot_count; i += 1) {
        if (slots[i].block != NULL) usable += vmem.usable(pool, slots[i].block);
    }
    release_all();
    drop_pool();
    printf("%llu\n", (unsigned long long)usable);
}

static void answer_time(size_t size) {
    struct timespec from, to;
    if (face == &pool_face && (pool == NULL || region_bytes != size)) make_pool(size);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    size_t served = replay(event_count);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    release_all();
    if (served != event_count) fail("Replaying the trace", "out of memory");
    double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    printf("%.2f\n", ns / (double)event_count);
}

static size_t resident(const char *field) {
    char text[8192];
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (got <= 0) fail("Reading /proc/self/status", strerror(errno));
    close(file);
    text[got] = 0;
    const char *line = strstr(text, field);
    return line == NULL ? 0 : strtoull(line + strlen(field), NULL, 10) * 1024;
}

static void answer_grow(void) {
    int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, "5", 1) != 1) fail("Resetting the peak of resident memory", strerror(errno));
    close(file);
    size_t before = resident("VmRSS:");
    size_t served = replay(event_count);
    size_t peak = resident("VmHWM:");
    release_all();
    if (served != event_count) fail("Replaying the trace", "out of memory");
    printf("%zu\n", peak - before);
}

/* ---- What a full pool is full of --------------------------------------------------------------------------- */

struct group {
    uint64_t usable, blocks, requested, pages;
};

/* Pages that hold blocks of one usable size; slabs hold one size, so every page counts for one group. */
static void count_pages(struct group *groups, size_t *count, const struct slot *slot, uint16_t *owners) {
    uint64_t usable = vmem.usable(pool, slot->block);
    size_t number = 0;
    while (number < *count && groups[number].usable != usable) number += 1;
    if (number == 4096) return;
    if (number == *count) groups[(*count)++] = (struct group){usable, 0, 0, 0};
    groups[number].blocks += 1;
    groups[number].requested += slot->size;
    size_t first = (size_t)(slot->block - (unsigned char *)region) / PAGE;
    size_t last = (size_t)(slot->block + usable - 1 - (unsigned char *)region) / PAGE;
    for (size_t page = first; page <= last; page += 1) {
        if (owners[page] == 0) groups[number].pages += 1;
        owners[page] = 1;
    }
}

static int by_pages(const void *a, const void *b) {
    const struct group *first = a, *second = b;
    return (first->pages < second->pages) - (first->pages > second->pages);
}

static unsigned long long active, largest_free;

static void read_number(const char *text, const char *name, unsigned long long *number) {
    const char *at = strstr(text, name);
    if (at != NULL) *number = strtoull(at + strlen(name), NULL, 10);
}

static void read_stats(const char *text) {
    read_number(text, ", active: ", &active);
    read_number(text, "largest free: ", &largest_free);
}

/* Where the pool's bytes are, by cause. All that was cached was taken back before the request was refused. */
static void print_causes(const struct group *groups, size_t count, size_t size) {
    unsigned long long requested = 0, usable = 0;
    for (size_t i = 0; i < count; i += 1) {
        requested += groups[i].requested;
        usable += groups[i].blocks * groups[i].usable;
    }
    vmem.stats(pool, "gmabl");
    printf("requested %llu, rounding %llu, free in slabs and tails %llu, free runs %llu of which the largest %llu\n", requested,
        usable - requested, active - usable, size - active, largest_free);
}

static void answer_why(size_t size) {
    static struct group groups[4096];
    size_t count = 0;
    uint64_t used = 0;
    vmem.set(NULL, NULL, NULL, NULL, read_stats);
    make_pool(size);
    size_t served = replay(event_count);
    uint16_t *owners = map((size / PAGE + 1) * sizeof *owners);
    for (uint32_t i = 0; i < slot_count; i += 1) {
        if (slots[i].block != NULL) count_pages(groups, &count, &slots[i], owners);
    }
    qsort(groups, count, sizeof *groups, by_pages);
    if (served < event_count) {
        static const char *const kinds[] = {"", "malloc", "calloc", "aligned", "realloc", "free"};
        const struct event *e = &events[served];
        printf("event %zu, %s, asks for %llu\n", served, kinds[e->kind], (unsigned long long)e->size);
    } else puts("nothing: the trace was served");
    print_causes(groups, count, size);
    for (size_t i = 0; i < count; i += 1) {
        const struct group *g = &groups[i];
        used += g->pages;
        if (i >= 40) continue;
        printf("usable %llu: blocks %llu requested %llu usable %llu pages %llu bytes in pages %llu\n", (unsigned long long)g->usable,
            (unsigned long long)g->blocks, (unsigned long long)g->requested, (unsigned long long)(g->blocks * g->usable),
            (unsigned long long)g->pages, (unsigned long long)g->pages * PAGE);
    }
    printf("pages with blocks: %llu of %zu\n\n", (unsigned long long)used, size / PAGE);
    munmap(owners, (size / PAGE + 1) * sizeof *owners);
    release_all();
    drop_pool();
}

int main(int argc, char **argv) {
    char line[128];
    if (argc == 4 && strcmp(argv[2], "pool") == 0) find_pools(argv[3]);
    else if (argc == 3 && strcmp(argv[2], "malloc") == 0) find_process();
    else fail("Reading the arguments", "wanted: TRACE malloc, or TRACE pool LIBRARY");
    load(argv[1]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL) {
        char question[16] = "";
        unsigned long long size = 0;
        int words = sscanf(line, "%15s %llu", question, &size);
        int sized = face == &pool_face && words == 2;
        if (strcmp(question, "trace") == 0) {
            printf("%zu %llu %llu\n", event_count, (unsigned long long)peak_bytes, (unsigned long long)peak_blocks);
        } else if (strcmp(question, "time") == 0 && (sized || face == &process_face)) answer_time(size);
        else if (strcmp(question, "grow") == 0 && face == &process_face) answer_grow();
        else if (strcmp(question, "fit") == 0 && sized) answer_fit(size);
        else if (strcmp(question, "round") == 0 && sized) answer_round(size);
        else if (strcmp(question, "why") == 0 && sized) answer_why(size);
        else fail("Answering", line);
    }
    return 0;
}
