/* vmem_set_funcs() with only one of malloc and free: the library keeps to its own. */
#include "test.h"

static int calls;

static void *count_malloc(size_t size)
{
	calls++;
	return malloc(size);
}

int main(void)
{
	VMEM *pool;
	void *block;

	vmem_set_funcs(count_malloc, NULL, NULL, NULL, NULL);
	pool = create(VMEM_MIN_POOL);
	block = vmem_malloc(pool, 100);
	CHECK(block != NULL);
	vmem_free(pool, block);
	vmem_delete(pool);
	CHECK(calls == 0);
	return ended();
}
