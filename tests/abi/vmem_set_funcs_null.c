/* vmem_set_funcs() with a malloc that has nothing: pools can be made, allocating in them fails, and recovers. */
#include "test.h"

static int exhausted = 1;

static void *scarce_malloc(size_t size)
{
	return exhausted ? NULL : malloc(size);
}

int main(void)
{
	VMEM *pool;
	void *block;

	vmem_set_funcs(scarce_malloc, free, NULL, NULL, NULL);
	pool = vmem_create(directory(), VMEM_MIN_POOL);
	CHECK(pool != NULL);
	CHECK_REFUSED(vmem_malloc(pool, 100), ENOMEM, "");
	CHECK_REFUSED(vmem_calloc(pool, 1, 100), ENOMEM, "");
	CHECK_REFUSED(vmem_realloc(pool, NULL, 100), ENOMEM, "");
	CHECK_REFUSED(vmem_aligned_alloc(pool, 64, 100), ENOMEM, "");
	CHECK_REFUSED(vmem_strdup(pool, "a"), ENOMEM, "");
	CHECK_REFUSED(vmem_wcsdup(pool, L"a"), ENOMEM, "");
	/* Messages need none of it. */
	CHECK_REFUSED(vmem_create(NULL, VMEM_MIN_POOL), EINVAL, "invalid (NULL) path");
	CHECK(vmem_check(pool) == 1);
	exhausted = 0;
	block = vmem_malloc(pool, 100);
	CHECK(block != NULL);
	vmem_free(pool, block);
	vmem_delete(pool);
	return ended();
}
