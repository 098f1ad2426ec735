/* Blocks that one thread makes and another frees, many of them on their way: each is itself until it is freed. */
#include "test.h"

enum { on_their_way = 4096, rounds = 1000000 };

static VMEM *pool;
static size_t *ring[on_their_way];
static size_t made, taken;

static void *produce(void *argument)
{
	size_t i;

	(void)argument;
	for (i = 0; i < rounds; i++) {
		size_t *block;
		while (i - __atomic_load_n(&taken, __ATOMIC_ACQUIRE) >= on_their_way)
			sched_yield();
		block = vmem_malloc(pool, 64);
		require(block != NULL, "vmem_malloc");
		block[0] = i;
		block[7] = ~i;
		ring[i % on_their_way] = block;
		__atomic_store_n(&made, i + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

int main(void)
{
	pthread_t producer;
	size_t i, wrong = 0;

	pool = create(VMEM_MIN_POOL);
	require(pthread_create(&producer, NULL, produce, NULL) == 0, "pthread_create");
	for (i = 0; i < rounds; i++) {
		size_t *block;
		while (__atomic_load_n(&made, __ATOMIC_ACQUIRE) == i)
			sched_yield();
		block = ring[i % on_their_way];
		if (block[0] != i || block[7] != ~i)
			wrong++;
		vmem_free(pool, block);
		__atomic_store_n(&taken, i + 1, __ATOMIC_RELEASE);
	}
	pthread_join(producer, NULL);
	if (wrong > 0)
		printf("%zu of %d blocks were handed out twice\n", wrong, rounds);
	CHECK(wrong == 0);
	CHECK(vmem_errormsg()[0] == '\0'); /* and none was freed twice */
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	return ended();
}
