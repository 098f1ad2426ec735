/* vmem_aligned_alloc(): which alignments there are, and that blocks have them. */
#include "test.h"

/* Each multiple that lies in the pool can be had, wherever that is; where there is none it is ENOMEM. */
static void up_to_the_pool(VMEM *pool)
{
	uintptr_t start = (uintptr_t)pool + 4096, end = (uintptr_t)pool + 64 * MIB;
	size_t alignment;

	for (alignment = 8 * MIB; alignment <= 256 * MIB; alignment *= 2) {
		uintptr_t first = (start + alignment - 1) & ~(alignment - 1);
		size_t expected = first < end ? (end - first - 1) / alignment + 1 : 0, count = 0;
		char *blocks[16], *block;

		while (count < 16 && (block = vmem_aligned_alloc(pool, alignment, 1000)) != NULL) {
			CHECK((uintptr_t)block % alignment == 0);
			blocks[count++] = block;
		}
		CHECK(count == expected && errno == ENOMEM);
		while (count > 0)
			vmem_free(pool, blocks[--count]);
	}
	CHECK(vmem_check(pool) == 1);
}

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
	up_to_the_pool(pool);
	CHECK_REFUSED(vmem_aligned_alloc(pool, (size_t)1 << 63, 8), ENOMEM, "");
	CHECK_REFUSED(vmem_aligned_alloc(pool, 8, SIZE_MAX), ENOMEM, "");
	CHECK_REFUSED(vmem_aligned_alloc(pool, (size_t)1 << 40, 1), ENOMEM, "");
	vmem_delete(pool);
	return ended();
}
