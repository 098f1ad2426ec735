/* Threads that hand blocks to each other, come and go: every byte stays what it was, and nothing is lost. */
#include "test.h"

enum { slots = 4096, thread_count = 8 };
static unsigned char *shared[slots];

static void *churn(void *argument)
{
	uint32_t seed = (uint32_t)(uintptr_t)argument * 2654435761u + 1;

	for (int i = 0; i < 60000; i++) {
		size_t size, slot;
		unsigned char *block, *old;

		seed ^= seed << 13;
		seed ^= seed >> 17;
		seed ^= seed << 5;
		size = seed % 100 == 0 ? 16 + seed % 200000 : 16 + seed % 1000;
		slot = seed / 1000 % slots;
		block = hide(seed % 7 == 0 ? calloc(1, size) : seed % 11 == 0 ? aligned_alloc(256, size) : malloc(size));
		if (block == NULL)
			continue;
		memcpy(block, &size, sizeof size);
		block[size - 1] = block[0];
		old = __atomic_exchange_n(&shared[slot], block, __ATOMIC_ACQ_REL);
		if (old == NULL)
			continue;
		memcpy(&size, old, sizeof size);
		if (size < 200100 && size >= 16 && old[size - 1] == old[0]) {
			if (seed % 5 == 0) {
				old = realloc(old, size / 2 + 16);
				if (old == NULL)
					__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
			}
		} else
			__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
		free(old);
	}
	return NULL;
}

int main(void)
{
	struct mallinfo2 before = numbers(), after;

	for (int round = 0; round < 4; round++) {
		pthread_t threads[thread_count];

		for (uintptr_t t = 0; t < thread_count; t++)
			require(pthread_create(&threads[t], NULL, churn, (void *)(t + (uintptr_t)round * 8 + 1)) == 0, "pthread_create");
		for (int t = 0; t < thread_count; t++)
			pthread_join(threads[t], NULL);
	}
	for (int i = 0; i < slots; i++)
		free(shared[i]);
	CHECK(failures == 0);
	after = numbers();
	CHECK(after.uordblks < before.uordblks + 50000);
	return ended();
}
