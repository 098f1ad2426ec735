/* vmem_free(): errno, NULL, wrong addresses, other threads' blocks, and what freeing costs. */
#include "test.h"

#include <sys/resource.h>

static void errno_kept(VMEM *pool)
{
	static const size_t sizes[] = { 0, 8, 100, 4096, 20000, 300000, 3 * MIB };
	size_t i;

	for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
		CHECK_ERRNO_KEPT(vmem_free(pool, vmem_malloc(pool, sizes[i])));
	CHECK_ERRNO_KEPT(vmem_free(pool, NULL));
}

/* Wrong addresses are ignored and reported, and do no harm. */
static void wrong(VMEM *pool, VMEM *other)
{
	char *block = vmem_malloc(pool, 100), *large = vmem_malloc(pool, MIB), *foreign = vmem_malloc(other, 64);
	char local;

	CHECK_ERRNO_KEPT(vmem_free(pool, &local));
	CHECK(strstr(vmem_errormsg(), "not in the pool") != NULL);
	CHECK_ERRNO_KEPT(vmem_free(pool, foreign));
	CHECK_ERRNO_KEPT(vmem_free(pool, (char *)pool));
	CHECK_ERRNO_KEPT(vmem_free(pool, (char *)pool + 13 * MIB));
	CHECK_ERRNO_KEPT(vmem_free(pool, large + 4096));
	CHECK_ERRNO_KEPT(vmem_free(pool, large + 1));
	CHECK_ERRNO_KEPT(vmem_free(pool, block + 1));
	CHECK_ERRNO_KEPT(vmem_free(pool, (void *)8));
	CHECK_ERRNO_KEPT(vmem_free(pool, (void *)UINTPTR_MAX));
	CHECK(vmem_malloc_usable_size(other, foreign) == 64);
	CHECK(vmem_check(pool) == 1 && vmem_check(other) == 1);
	vmem_free(pool, large);
	vmem_free(pool, large);
	CHECK(vmem_check(pool) == 1);
	vmem_free(pool, block);
	vmem_free(other, foreign);
}

/* Twice in a row, of every kind of block: nobody gets a block that is somebody else's, and the pool stays whole. */
static void twice(VMEM *pool)
{
	static const size_t sizes[] = { 8, 100, 4096, 20000, 300000, 3 * MIB };
	size_t i;

	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char *block = vmem_malloc(pool, sizes[i]);
		vmem_free(pool, block);
		CHECK(vmem_check(pool) == 1); /* takes back what is cached: from here on it is known to be free */
		CHECK_ERRNO_KEPT(vmem_free(pool, block));
		CHECK(strstr(vmem_errormsg(), "ignored: ") != NULL);
		CHECK(vmem_check(pool) == 1);
		CHECK(vmem_malloc_usable_size(pool, block) == 0);
	}
}

static char *handed;

static void *allocate(void *pool)
{
	handed = vmem_malloc(pool, 5000);
	return NULL;
}

/* A block outlives its thread, and any thread may free it. */
static void threads(VMEM *pool)
{
	pthread_t thread;
	int i;

	for (i = 0; i < 5000; i++) {
		require(pthread_create(&thread, NULL, allocate, pool) == 0, "pthread_create");
		pthread_join(thread, NULL);
		CHECK(handed != NULL);
		memset(handed, 1, 5000);
		vmem_free(pool, handed);
	}
}

/* Large blocks keep their memory between two uses; the original gave it to the system each time, and faulted it in again. */
static void cost(VMEM *pool)
{
	static const size_t sizes[] = { 64 << 10, 512 << 10, MIB };
	struct rusage before, after;
	size_t i, k, page;

	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		for (k = 0; k < 2001; k++) {
			char *block = vmem_malloc(pool, sizes[i]);
			for (page = 0; page < sizes[i]; page += 4096)
				block[page] = 1;
			vmem_free(pool, block);
			if (k == 0)
				getrusage(RUSAGE_SELF, &before);
		}
		getrusage(RUSAGE_SELF, &after);
		CHECK(after.ru_minflt - before.ru_minflt < 1000);
	}
}

int main(void)
{
	VMEM *pool = create(VMEM_MIN_POOL), *other = create(VMEM_MIN_POOL);

	errno_kept(pool);
	wrong(pool, other);
	twice(pool);
	threads(pool);
	cost(pool);
	CHECK(vmem_malloc(pool, VMEM_MIN_POOL / 100 * 97) != NULL);
	CHECK(vmem_check(pool) == 1 && vmem_check(other) == 1);
	vmem_delete(pool);
	vmem_delete(other);
	return ended();
}
