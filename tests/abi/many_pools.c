/* Threads that use 200 pools each, more than any short list of recent ones holds, and threads that are cancelled at work. */
#include "test.h"

enum { pools_max = 200, threads_max = 4 };

static VMEM *pools[pools_max];
static void *handed[pools_max];

static void *use_all(void *argument)
{
	unsigned seed = (unsigned)(uintptr_t)argument * 97, i;

	for (i = 0; i < 60000; i++) {
		unsigned which = (seed = seed * 1103515245 + 12345) >> 8 & 255;
		size_t size = 16 + (seed >> 16) % 3000, k;
		char *block, *old;
		if (which >= pools_max)
			continue;
		block = vmem_malloc(pools[which], size);
		if (block == NULL || vmem_malloc_usable_size(pools[which], block) < size) {
			__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
			continue;
		}
		memset(block, (int)which, 16);
		old = __atomic_exchange_n(&handed[which], block, __ATOMIC_ACQ_REL);
		for (k = 0; old != NULL && k < 16; k++)
			if (old[k] != (char)which)
				__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
		vmem_free(pools[which], old);
	}
	return NULL;
}

static void *work_until_cancelled(void *pool)
{
	unsigned i;

	for (i = 0;; i++) {
		void *block = vmem_malloc(pool, 1 + i * 37 % 40000);
		vmem_free(pool, block);
		if (i % 64 == 0)
			pthread_testcancel();
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[threads_max];
	char *memory = mmap(NULL, pools_max * VMEM_MIN_POOL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uintptr_t i;
	int round;

	require(memory != MAP_FAILED, "mmap");
	for (round = 0; round < 2; round++) {
		for (i = 0; i < pools_max; i++)
			require((pools[i] = vmem_create_in_region(memory + i * VMEM_MIN_POOL, VMEM_MIN_POOL)) != NULL, "vmem_create_in_region");
		for (i = 0; i < threads_max; i++)
			require(pthread_create(&threads[i], NULL, use_all, (void *)(i + 1)) == 0, "pthread_create");
		for (i = 0; i < threads_max; i++)
			pthread_join(threads[i], NULL);
		CHECK(failures == 0);
		for (i = 0; i < pools_max; i++) {
			void *whole;
			vmem_free(pools[i], handed[i]);
			handed[i] = NULL;
			CHECK((whole = vmem_malloc(pools[i], VMEM_MIN_POOL / 100 * 97)) != NULL);
			CHECK(vmem_check(pools[i]) == 1);
			if (i > 0 || round == 0)
				vmem_delete(pools[i]);
			else
				vmem_free(pools[i], whole);
		}
	}
	for (round = 0; round < 20; round++) {
		for (i = 0; i < threads_max; i++)
			require(pthread_create(&threads[i], NULL, work_until_cancelled, pools[0]) == 0, "pthread_create");
		usleep(2000);
		for (i = 0; i < threads_max; i++)
			pthread_cancel(threads[i]);
		for (i = 0; i < threads_max; i++)
			pthread_join(threads[i], NULL);
	}
	CHECK(vmem_malloc(pools[0], VMEM_MIN_POOL / 100 * 97) != NULL);
	CHECK(vmem_check(pools[0]) == 1);
	vmem_delete(pools[0]);
	return ended();
}
