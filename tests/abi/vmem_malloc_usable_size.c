/* vmem_malloc_usable_size(). */
#include "test.h"

int main(void)
{
	VMEM *pool = create(VMEM_MIN_POOL);
	size_t size;
	char local, *block;

	errno = 4711;
	CHECK(vmem_malloc_usable_size(pool, NULL) == 0 && errno == 4711);
	CHECK(vmem_malloc_usable_size(NULL, NULL) == 0 && errno == 4711);
	for (size = 1; size < 2 * MIB; size = size * 5 / 4 + 1) {
		size_t usable;
		block = vmem_malloc(pool, size);
		require(block != NULL, "vmem_malloc");
		usable = vmem_malloc_usable_size(pool, block);
		CHECK(usable >= size && (usable <= size + size / 4 + 16 || usable <= size + 4096));
		memset(block, 1, usable);
		vmem_free(pool, block);
	}
	CHECK(vmem_check(pool) == 1);
	errno = 0;
	CHECK(vmem_malloc_usable_size(pool, &local) == 0 && errno == EINVAL);
	block = vmem_malloc(pool, 64);
	errno = 0;
	CHECK(vmem_malloc_usable_size(pool, block + 8) == 0 && errno == EINVAL);
	vmem_delete(pool);
	return ended();
}
