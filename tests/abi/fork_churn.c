/* fork() while other threads make and delete pools: what it looks at does not end under it. */
#include "test.h"

static volatile int stop;

static void *churn(void *memory)
{
	while (!stop) {
		VMEM *pool = vmem_create_in_region(memory, VMEM_MIN_POOL);

		if (pool != NULL)
			vmem_delete(pool);
	}
	return NULL;
}

static int nothing(void *argument)
{
	return argument != NULL;
}

int main(void)
{
	enum { count = 2, forks = 1000 };
	pthread_t threads[count];

	alarm(60);
	for (int i = 0; i < count; i++) {
		void *memory = mmap(NULL, VMEM_MIN_POOL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		require(memory != MAP_FAILED, "mmap");
		require(pthread_create(&threads[i], NULL, churn, memory) == 0, "pthread_create");
	}
	for (int i = 0; i < forks; i++)
		CHECK(status_of_child(nothing, NULL) == 0);
	stop = 1;
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	return ended();
}
