/* vmemx_trim(): storage goes back, with what this and other threads have cached. */
#include "extension.h"

static VMEM *pool;
static pthread_barrier_t barrier;

static void *other(void *unused)
{
	void *blocks[400];
	int i;

	for (i = 0; i < 400; i++)
		blocks[i] = vmem_malloc(pool, 60000);
	for (i = 0; i < 400; i++)
		vmem_free(pool, blocks[i]); /* the last of them stay in this thread's cache */
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return unused;
}

int main(void)
{
	pthread_t thread;
	VMEM *fixed = create(VMEM_MIN_POOL);
	void *block;

	pool = create_private(64 * MIB, "dirty_decay_ms:-1");
	pthread_barrier_init(&barrier, NULL, 2);
	require(pthread_create(&thread, NULL, other, NULL) == 0, "pthread_create");
	pthread_barrier_wait(&barrier);
	block = vmem_malloc(pool, 100);
	CHECK(number(pool, "vmem.committed") >= 20 * MIB);
	errno = 4711;
	CHECK(vmemx_trim(pool) == 1);
	CHECK(number(pool, "vmem.committed") <= 2 * MIB);
	CHECK(vmemx_trim(pool) == 0 && errno == 4711);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	vmem_free(pool, block);
	CHECK(vmemx_trim(pool) == 1);
	CHECK(number(pool, "vmem.committed") == 0);
	block = vmem_calloc(pool, 1, 30 * MIB);
	CHECK(block != NULL && is_all(block, 0, 30 * MIB));
	CHECK(vmem_check(pool) == 1);

	block = vmem_malloc(fixed, 8 * MIB);
	vmem_free(fixed, block);
	CHECK(vmemx_trim(fixed) == 0);
	CHECK(number(fixed, "vmem.committed") == VMEM_MIN_POOL);
	vmem_delete(fixed);
	vmem_delete(pool);
	errno = 0;
	CHECK(vmemx_trim(pool) == -1 && errno == EINVAL && strstr(vmem_errormsg(), "invalid pool handle") != NULL);
	CHECK(vmemx_trim(NULL) == -1);
	return ended();
}
