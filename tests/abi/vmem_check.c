/* vmem_check(): 1, 0 and -1; what it locks out; what it leaves alone. */
#include "test.h"

#include <sys/resource.h>

static void *churn(void *pool)
{
	char *blocks[64] = { NULL };
	unsigned seed = 1, i;

	for (i = 0; i < 200000; i++) {
		unsigned slot = (seed = seed * 1103515245 + 12345) >> 16 & 63;
		vmem_free(pool, blocks[slot]);
		blocks[slot] = vmem_malloc(pool, 16 << (slot & 7));
		if (blocks[slot] == NULL) {
			failures++;
			return NULL;
		}
	}
	for (i = 0; i < 64; i++)
		vmem_free(pool, blocks[i]);
	return NULL;
}

static long faults(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

static int no_pool(VMEM *pool)
{
	char expected[64];

	snprintf(expected, sizeof expected, "invalid pool handle: 0x%zx", (size_t)pool);
	errno = 0;
	return vmem_check(pool) == -1 && errno == EINVAL && strcmp(vmem_errormsg(), expected) == 0;
}

int main(void)
{
	VMEM *pool = create(256 * MIB);
	pthread_t threads[3];
	char *block;
	long before;
	int i;

	before = faults();
	CHECK_ERRNO_KEPT(CHECK(vmem_check(pool) == 1));
	CHECK(faults() - before < 1000); /* the pool has 65 536 pages, and none of them is read */

	for (i = 0; i < 3; i++)
		require(pthread_create(&threads[i], NULL, churn, pool) == 0, "pthread_create");
	for (i = 0; i < 50; i++)
		CHECK(vmem_check(pool) == 1);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	CHECK(vmem_check(pool) == 1);

	/* Bytes outside of blocks are nothing to the bookkeeping: it lies elsewhere. */
	block = vmem_malloc(pool, 64);
	memset(block, 0x5a, 64 + 4096);
	CHECK(vmem_check(pool) == 1);
	CHECK(vmem_malloc(pool, 64) != NULL);
	vmem_free(pool, block);
	/* Memory that was never a pool, and one that a pool's bytes were copied to, are none. */
	block = vmem_aligned_alloc(pool, 4096, VMEM_MIN_POOL);
	CHECK(no_pool((VMEM *)block));
	memset(block, 0, VMEM_MIN_POOL);
	CHECK(no_pool((VMEM *)block));
	memcpy(block, (char *)pool + 4096, MIB);
	CHECK(no_pool((VMEM *)block));
	CHECK(no_pool((VMEM *)((char *)pool + 4096)));
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	CHECK(no_pool(pool));
	CHECK(no_pool(NULL));
	return ended();
}
