/* vmem_aligned_alloc(): which alignments there are, and that blocks have them. */
#include "test.h"

int main(void)
{
	static const size_t wrong[] = { 0, 3, 5, 6, 7, 24, 4097, SIZE_MAX };
	static const size_t sizes[] = { 0, 1, 7, 8, 100, 1000, 4096, 5000, 70000, 300000 };
	VMEM *pool = create(64 * MIB);
	char *blocks[10];
	size_t alignment, i;

	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		CHECK_REFUSED(vmem_aligned_alloc(pool, wrong[i], 64), EINVAL, "");
	for (alignment = 1; alignment <= 4 * MIB; alignment *= 2) {
		for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			char *block = vmem_aligned_alloc(pool, alignment, sizes[i]);
			CHECK(block != NULL && (uintptr_t)block % alignment == 0);
			CHECK(vmem_malloc_usable_size(pool, block) >= sizes[i]);
			memset(block, 1, sizes[i]);
			blocks[i] = block;
		}
		for (i = 0; i < 10; i++)
			vmem_free(pool, blocks[i]);
	}
	CHECK(vmem_check(pool) == 1);
	CHECK_REFUSED(vmem_aligned_alloc(pool, (size_t)1 << 63, 8), ENOMEM, "");
	CHECK_REFUSED(vmem_aligned_alloc(pool, 8, SIZE_MAX), ENOMEM, "");
	CHECK_REFUSED(vmem_aligned_alloc(pool, (size_t)1 << 40, 1), ENOMEM, "");
	vmem_delete(pool);
	return ended();
}
