/* 100 000 threads leave a pool as empty as they found it, 64 share it down to the last block, and they may end while it is deleted. */
#include "test.h"

#include <limits.h>

#define THREADS 64

static VMEM *pool;
static pthread_attr_t small_stack;
static pthread_barrier_t barrier;

static void failed(void)
{
	__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
}

/* How many blocks of a size there are. */
static size_t capacity(size_t size)
{
	void **first = NULL, **next;
	size_t count = 0;

	for (; (next = vmem_malloc(pool, size)) != NULL; count++) {
		*next = first;
		first = next;
	}
	for (; first != NULL; first = next) {
		next = *first;
		vmem_free(pool, first);
	}
	return count;
}

/* Bytes of the largest block there is, in pages. */
static size_t largest(void)
{
	size_t size = VMEM_MIN_POOL;
	void *block;

	while ((block = vmem_malloc(pool, size)) == NULL)
		size -= 4096;
	vmem_free(pool, block);
	return size;
}

static void *a_little(void *number)
{
	static const size_t sizes[] = { 1, 64, 1000, 5000, 20000, 100000 };
	void *blocks[4];
	size_t i;

	for (i = 0; i < 4; i++) {
		size_t size = sizes[((uintptr_t)number + i) % 6];
		if ((blocks[i] = vmem_malloc(pool, size)) == NULL)
			failed();
		else
			*(char *)blocks[i] = 1;
	}
	for (i = 0; i < 4; i++)
		vmem_free(pool, blocks[i]);
	return NULL;
}

static void *starter(void *count)
{
	uintptr_t i;

	for (i = 0; i < (uintptr_t)count; i++) {
		pthread_t thread;
		if (pthread_create(&thread, &small_stack, a_little, (void *)i) != 0)
			failed();
		else
			pthread_join(thread, NULL);
	}
	return NULL;
}

static void hundred_thousand(void)
{
	size_t small = capacity(64), pages = capacity(4096), whole = largest();
	pthread_t starters[4];
	int i;

	for (i = 0; i < 4; i++)
		require(pthread_create(&starters[i], NULL, starter, (void *)25000) == 0, "pthread_create");
	for (i = 0; i < 4; i++)
		pthread_join(starters[i], NULL);
	CHECK(failures == 0);
	CHECK(largest() == whole);
	CHECK(capacity(64) == small);
	CHECK(capacity(4096) == pages);
	CHECK(vmem_check(pool) == 1);
}

/* Caches blocks of many sizes, keeps one, and falls idle. */
static void *keep_one(void *kept)
{
	void *blocks[60];
	size_t i, size;

	for (size = 16; size < 40000; size = size * 3 / 2) {
		for (i = 0; i < 60 && i < 100000 / size; i++)
			if ((blocks[i] = vmem_malloc(pool, size)) == NULL)
				failed();
		while (i > 0)
			vmem_free(pool, blocks[--i]);
	}
	if ((*(void **)kept = vmem_malloc(pool, 64)) == NULL)
		failed();
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

/* 64 live threads all get memory, and one of them then gets the rest to the last block. */
static void sixty_four(void)
{
	size_t all = capacity(64);
	pthread_t threads[THREADS - 1];
	void *kept[THREADS - 1];
	int i;

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (i = 0; i < THREADS - 1; i++)
		require(pthread_create(&threads[i], &small_stack, keep_one, &kept[i]) == 0, "pthread_create");
	pthread_barrier_wait(&barrier);
	CHECK(failures == 0);
	CHECK(capacity(64) == all - (THREADS - 1));
	pthread_barrier_wait(&barrier);
	for (i = 0; i < THREADS - 1; i++) {
		pthread_join(threads[i], NULL);
		vmem_free(pool, kept[i]);
	}
	CHECK(capacity(64) == all);
}

static void *volatile memory;
static int order;

static void *use_and_end(void *unused)
{
	a_little(unused);
	pthread_barrier_wait(&barrier); /* caches have blocks */
	if (order == 1)
		pthread_barrier_wait(&barrier); /* the pool is deleted */
	return NULL;
}

/* Threads end before (0) the pool is deleted, after it (1), at the same time (2). */
static void ends(void)
{
	enum { threads = 3, rounds = 300 };
	pthread_t ids[threads];
	int round, i;

	memory = mmap(NULL, VMEM_MIN_POOL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(memory != MAP_FAILED, "mmap");
	pthread_barrier_init(&barrier, NULL, threads + 1);
	for (round = 0; round < rounds && failures == 0; round++) {
		order = round % 3;
		pool = vmem_create_in_region(memory, VMEM_MIN_POOL);
		require(pool != NULL, "vmem_create_in_region");
		for (i = 0; i < threads; i++)
			require(pthread_create(&ids[i], &small_stack, use_and_end, (void *)(intptr_t)i) == 0, "pthread_create");
		pthread_barrier_wait(&barrier);
		if (order == 0)
			for (i = 0; i < threads; i++)
				pthread_join(ids[i], NULL);
		vmem_delete(pool);
		memset(memory, round, VMEM_MIN_POOL / 8); /* it is the program's again */
		if (order == 1)
			pthread_barrier_wait(&barrier);
		if (order != 0)
			for (i = 0; i < threads; i++)
				pthread_join(ids[i], NULL);
		for (i = 0; i < (int)VMEM_MIN_POOL / 8; i++)
			if (((char *)memory)[i] != (char)round)
				break;
		CHECK(i == (int)VMEM_MIN_POOL / 8);
	}
}

int main(void)
{
	pthread_attr_init(&small_stack);
	require(pthread_attr_setstacksize(&small_stack, PTHREAD_STACK_MIN) == 0, "pthread_attr_setstacksize");
	pool = create(VMEM_MIN_POOL);
	hundred_thousand();
	sixty_four();
	vmem_delete(pool);
	ends();
	return ended();
}
