/* Threads: short ones leave nothing behind, live ones share all of the pool, blocks are freed where they were not made. */
#include "test.h"

static VMEM *pool;

static void *touch(void *argument)
{
	void *block = vmem_malloc(pool, 64);
	(void)argument;
	if (block == NULL)
		failures++;
	vmem_free(pool, block);
	return NULL;
}

/* The original's 14 MiB pool was used up by its third thread. */
static void short_lives(void)
{
	void *blocks[13];
	int i;

	for (i = 0; i < 3000; i++) {
		pthread_t thread;
		require(pthread_create(&thread, NULL, touch, NULL) == 0, "pthread_create");
		pthread_join(thread, NULL);
	}
	CHECK(failures == 0);
	for (i = 0; i < 13; i++)
		CHECK((blocks[i] = vmem_malloc(pool, MIB)) != NULL);
	for (i = 0; i < 13; i++)
		vmem_free(pool, blocks[i]);
}

static pthread_barrier_t barrier;

static void *hold(void *argument)
{
	char *blocks[100];
	int i;

	(void)argument;
	for (i = 0; i < 100; i++)
		if ((blocks[i] = vmem_malloc(pool, 64)) == NULL)
			__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
	for (i = 0; i < 100; i++)
		vmem_free(pool, blocks[i]);
	pthread_barrier_wait(&barrier); /* caches are full, threads are idle */
	pthread_barrier_wait(&barrier);
	return NULL;
}

/* 64 idle threads, and one gets all the pool has. */
static void idle(void)
{
	enum { threads = 64 };
	pthread_t ids[threads];
	size_t count = 0;
	void **first = NULL, **next;
	int i;

	pthread_barrier_init(&barrier, NULL, threads + 1);
	for (i = 0; i < threads; i++)
		require(pthread_create(&ids[i], NULL, hold, NULL) == 0, "pthread_create");
	pthread_barrier_wait(&barrier);
	CHECK(failures == 0);
	while ((next = vmem_malloc(pool, 64)) != NULL) {
		*next = first;
		first = next;
		count++;
	}
	if (count < 14 * MIB / 64 * 95 / 100)
		printf("%zu blocks of 64 bytes beside 64 idle threads\n", count);
	CHECK(count >= 14 * MIB / 64 * 95 / 100);
	while (first != NULL) {
		next = *first;
		vmem_free(pool, first);
		first = next;
	}
	pthread_barrier_wait(&barrier);
	for (i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	CHECK(vmem_check(pool) == 1);
}

static void *volatile handed;
static int rounds = 100000;

static void *produce(void *argument)
{
	int i;
	(void)argument;
	for (i = 0; i < rounds; i++) {
		size_t *block = vmem_malloc(pool, 16 + (size_t)(i % 500));
		if (block == NULL) {
			__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
			continue;
		}
		*block = (size_t)i;
		while (!__sync_bool_compare_and_swap(&handed, NULL, block))
			sched_yield();
	}
	return NULL;
}

static void hand_over(void)
{
	pthread_t producer;
	int i;

	require(pthread_create(&producer, NULL, produce, NULL) == 0, "pthread_create");
	for (i = 0; i < rounds && failures == 0; i++) {
		size_t *block;
		while ((block = handed) == NULL)
			sched_yield();
		handed = NULL;
		if (*block != (size_t)i)
			CHECK(!"a block keeps its bytes on its way to another thread");
		vmem_free(pool, block);
	}
	pthread_join(producer, NULL);
	CHECK(vmem_check(pool) == 1);
}

static void *churn(void *argument)
{
	unsigned seed = (unsigned)(uintptr_t)argument, i;
	struct { unsigned char *bytes; size_t size; unsigned char mark; } live[100] = { { NULL, 0, 0 } };

	for (i = 0; i < 100000; i++) {
		unsigned slot = (seed = seed * 1103515245 + 12345) >> 16 & 63;
		size_t size = 1 + (seed >> 8) % (slot == 0 ? 100000 : 2000), k;
		if (live[slot].bytes != NULL) {
			for (k = 0; k < live[slot].size; k += 97)
				if (live[slot].bytes[k] != live[slot].mark) {
					__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
					return NULL;
				}
			vmem_free(pool, live[slot].bytes);
		}
		live[slot].bytes = vmem_malloc(pool, size);
		live[slot].size = live[slot].bytes == NULL ? 0 : size;
		live[slot].mark = (unsigned char)(seed >> 3);
		if (live[slot].bytes != NULL)
			memset(live[slot].bytes, live[slot].mark, size);
	}
	for (i = 0; i < 64; i++)
		vmem_free(pool, live[i].bytes);
	return NULL;
}

static void together(void)
{
	pthread_t ids[8];
	uintptr_t i;
	void *whole;

	for (i = 0; i < 8; i++)
		require(pthread_create(&ids[i], NULL, churn, (void *)(i + 1)) == 0, "pthread_create");
	for (i = 0; i < 8; i++)
		pthread_join(ids[i], NULL);
	CHECK(failures == 0);
	CHECK(vmem_check(pool) == 1);
	whole = vmem_malloc(pool, 13 * MIB); /* nothing is left of it, nor in pieces */
	CHECK(whole != NULL);
	vmem_free(pool, whole);
}

static void *create_and_delete(void *argument)
{
	int i;
	(void)argument;
	for (i = 0; i < 50; i++) {
		VMEM *own = vmem_create(directory(), VMEM_MIN_POOL);
		char *block = vmem_malloc(own, 1000);
		if (block == NULL)
			__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
		else
			memset(block, 1, 1000);
		vmem_delete(own);
	}
	return NULL;
}

static void many_pools(void)
{
	pthread_t ids[4];
	int i;
	for (i = 0; i < 4; i++)
		require(pthread_create(&ids[i], NULL, create_and_delete, NULL) == 0, "pthread_create");
	for (i = 0; i < 4; i++)
		pthread_join(ids[i], NULL);
	CHECK(failures == 0);
}

int main(void)
{
	pool = create(VMEM_MIN_POOL);
	short_lives();
	idle();
	hand_over();
	together();
	many_pools();
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	return ended();
}
