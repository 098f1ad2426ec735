/* vmemx_owner(): among many pools, from any thread, while pools come and go. */
#include "extension.h"

enum { POOLS = 60 };

static int stop;

static void *churn(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		vmem_delete(create_private(MIB, NULL));
	return unused;
}

static int child(void *block)
{
	VMEM *own = create_private(MIB, NULL);
	void *its = vmem_malloc(own, 1);

	CHECK(vmemx_owner(block) == NULL); /* the pool is the parent's */
	CHECK(vmemx_owner(its) == own);
	return ended();
}

int main(void)
{
	VMEM *pools[POOLS];
	char *blocks[POOLS];
	pthread_t thread;
	int i, round;

	CHECK(vmemx_owner(NULL) == NULL && vmemx_owner(&stop) == NULL); /* before there was any */
	for (i = 0; i < POOLS; i++) {
		pools[i] = create_private(MIB, NULL);
		blocks[i] = vmem_malloc(pools[i], 1000);
	}
	require(pthread_create(&thread, NULL, churn, NULL) == 0, "pthread_create");
	for (round = 0; round < 300; round++) {
		for (i = 0; i < POOLS; i++) {
			CHECK(vmemx_owner(blocks[i]) == pools[i]);
			CHECK(vmemx_owner(blocks[i] + 999) == pools[i]);
		}
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	CHECK_ERRNO_KEPT(vmemx_owner(blocks[0]));
	CHECK(vmemx_owner(pools[0]) == pools[0]);
	CHECK(vmemx_owner((char *)pools[0] + MIB - 1) == pools[0]);
	CHECK(vmemx_owner((char *)pools[0] + MIB) != pools[0] && vmemx_owner((char *)pools[0] - 1) != pools[0]);
	CHECK(vmemx_owner(NULL) == NULL && vmemx_owner(&stop) == NULL);
	CHECK(status_of_child(child, blocks[3]) == 0);
	for (i = 0; i < POOLS; i++) {
		vmem_delete(pools[i]);
		CHECK(vmemx_owner(blocks[i]) == NULL);
	}
	return ended();
}
