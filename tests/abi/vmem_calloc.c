/* vmem_calloc(): zeros in used memory too, products that overflow. */
#include "test.h"

static int is_zero(const char *bytes, size_t size)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

int main(void)
{
	static const size_t sizes[] = { 8, 24, 100, 1000, 5000, 40000, 200000, MIB, 5 * MIB };
	VMEM *pool = create(VMEM_MIN_POOL);
	char *a, *b;
	size_t i, round;

	for (round = 0; round < 3; round++)
		for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			char *block = vmem_calloc(pool, 1, sizes[i]);
			require(block != NULL, "vmem_calloc");
			CHECK(is_zero(block, sizes[i]));
			memset(block, 0xff, vmem_malloc_usable_size(pool, block));
			vmem_free(pool, block);
		}

	a = vmem_calloc(pool, 0, 5);
	b = vmem_calloc(pool, 5, 0);
	CHECK(a != NULL && b != NULL && a != b);
	CHECK(vmem_malloc_usable_size(pool, a) == 8);
	vmem_free(pool, a);
	vmem_free(pool, b);

	CHECK_REFUSED(vmem_calloc(pool, SIZE_MAX, 2), ENOMEM, "");
	CHECK_REFUSED(vmem_calloc(pool, (size_t)1 << 32, (size_t)1 << 32), ENOMEM, "");
	CHECK_REFUSED(vmem_calloc(pool, 14, MIB), ENOMEM, "");
	a = vmem_calloc(pool, 100, 10);
	CHECK(a != NULL && vmem_malloc_usable_size(pool, a) >= 1000);
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	return ended();
}
