/*
 * Allocates in every way the recorder knows, from two threads and three processes, and prints how many bytes it had in use
 * at most: tests/ts/traces_test.ts compares that with what was recorded.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS 3000

static char *blocks[BLOCKS];
static size_t sizes[BLOCKS];
static size_t live, peak;

static void require(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "Allocating failed: %s\n", what);
    exit(1);
}

static void count(size_t more, size_t less) {
    live += more - less;
    if (live > peak) peak = live;
}

static char *allocate(int way, size_t size) {
    void *block = NULL;
    switch (way) {
    case 0: block = calloc(1, size); break;
    case 1: block = aligned_alloc(64, size); break;
    case 2: require(posix_memalign(&block, 4096, size) == 0, "posix_memalign"); break;
    case 3: block = memalign(32, size); break;
    default: block = malloc(size); break;
    }
    require(block != NULL, "a block");
    return block;
}

/* Every third block, by another thread than the one that allocated it. */
static void *release_some(void *unused) {
    for (int i = 0; i < BLOCKS; i += 3) {
        free(blocks[i]);
        blocks[i] = NULL;
        count(0, sizes[i]);
    }
    return unused;
}

static void fill(void) {
    for (int i = 0; i < BLOCKS; i += 1) {
        sizes[i] = (size_t)(i % 7 == 0 ? 64 * (i % 300 + 1) : i % 11 * 1000 + i % 500 + 1);
        blocks[i] = allocate(i % 7 == 0 ? 1 : i % 13, sizes[i]);
        blocks[i][0] = 1;
        count(sizes[i], 0);
    }
}

static void churn(void) {
    pthread_t thread;
    require(pthread_create(&thread, NULL, release_some, NULL) == 0, "pthread_create");
    require(pthread_join(thread, NULL) == 0, "pthread_join");
    for (int i = 0; i < BLOCKS; i += 1) {
        size_t size = sizes[i] + (size_t)i % 900;
        if (i % 4 != 0) continue;
        count(size, blocks[i] == NULL ? 0 : sizes[i]);
        blocks[i] = i % 8 == 0 ? realloc(blocks[i], size) : reallocarray(blocks[i], size, 1);
        require(blocks[i] != NULL && malloc_usable_size(blocks[i]) >= size, "a larger block");
        sizes[i] = size;
    }
}

int main(int argc, char **argv) {
    if (argc > 1) { /* what the child becomes */
        free(strdup("after exec"));
        return 0;
    }
    fill();
    churn();
    pid_t child = fork();
    if (child == 0) {
        free(blocks[1]); /* the parent's: not in this process's trace */
        char *own = malloc(100);
        require(own != NULL, "a block in the child");
        char *words[] = {argv[0], "again", NULL};
        execv("/proc/self/exe", words);
        _exit(1);
    }
    int status = 1;
    require(child > 0 && waitpid(child, &status, 0) == child && status == 0, "the child");
    for (int i = 0; i < BLOCKS; i += 1) free(blocks[i]);
    char text[32];
    int length = snprintf(text, sizeof text, "%zu\n", peak);
    return write(1, text, (size_t)length) == length ? 0 : 1;
}
