/* vmem_set_funcs(): whose malloc serves the library's records, and that all of it comes back. */
#include "test.h"

static int mallocs, frees, others;

static void *count_malloc(size_t size)
{
	__atomic_add_fetch(&mallocs, 1, __ATOMIC_RELAXED);
	return malloc(size);
}

static void count_free(void *pointer)
{
	__atomic_add_fetch(&frees, 1, __ATOMIC_RELAXED);
	free(pointer);
}

static void *never_realloc(void *pointer, size_t size)
{
	others++;
	return realloc(pointer, size);
}

static char *never_strdup(const char *text)
{
	others++;
	return strdup(text);
}

static void *use(void *pool)
{
	void *block = vmem_malloc(pool, 100);
	CHECK(block != NULL);
	vmem_free(pool, block);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	VMEM *pool;
	int i, before;

	vmem_set_funcs(count_malloc, count_free, never_realloc, never_strdup, NULL);
	pool = create(VMEM_MIN_POOL);
	CHECK(vmem_check(pool) == 1);
	CHECK(mallocs == 0); /* only threads need records */
	use(pool);
	CHECK(mallocs > 0);
	before = mallocs;
	use(pool);
	CHECK(mallocs == before);
	vmem_set_funcs(NULL, NULL, NULL, NULL, NULL); /* too late */
	for (i = 0; i < 10; i++) {
		require(pthread_create(&thread, NULL, use, pool) == 0, "pthread_create");
		pthread_join(thread, NULL);
	}
	CHECK(mallocs > before);
	CHECK(mallocs - frees == before); /* a thread's records go with it */
	use(pool);
	vmem_delete(pool);
	CHECK(mallocs == frees); /* so does what a thread that deletes a pool had */
	CHECK(others == 0);
	return ended();
}
