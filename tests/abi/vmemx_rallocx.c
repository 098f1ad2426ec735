/* vmemx_rallocx(): contents, zeros, alignment, failure. */
#include "extension.h"

int main(void)
{
	VMEM *pool = create_private(64 * MIB, "hardening:1");
	static const size_t sizes[] = { 1, 8, 100, 112, 113, 5000, 14336, 14337, 20000, 65536, 1048576, 1048577, 3 * MIB, 100, 9 * MIB, 7 };
	unsigned char *block, *moved, *dirty;
	size_t i, before, after;

	dirty = vmem_malloc(pool, 50 * MIB);
	memset(dirty, 0xdd, 50 * MIB);
	vmem_free(pool, dirty);
	block = vmemx_mallocx(pool, sizes[0], VMEMX_ZERO);
	for (i = 1; i < sizeof sizes / sizeof *sizes; i++) {
		int lg = (int)(i * 5 % 17);

		before = vmemx_sallocx(pool, block, 0);
		memset(block, 0x77, before);
		block = vmemx_rallocx(pool, block, sizes[i], VMEMX_ZERO | VMEMX_LG_ALIGN(lg) | (i & 1 ? VMEMX_TCACHE_NONE : 0));
		require(block != NULL, "vmemx_rallocx");
		after = vmemx_sallocx(pool, block, 0);
		CHECK(((uintptr_t)block & (((uintptr_t)1 << lg) - 1)) == 0);
		CHECK(after == vmemx_nallocx(pool, sizes[i], VMEMX_LG_ALIGN(lg)));
		CHECK(is_all(block, 0x77, before < after ? before : after));
		if (after > before)
			CHECK(is_all(block + before, 0, after - before));
	}
	vmemx_dallocx(pool, block, 0);

	/* Growing in place: what is behind is clean where that was asked for. */
	block = vmemx_mallocx(pool, 2 * MIB, VMEMX_ZERO);
	moved = vmemx_rallocx(pool, block, 6 * MIB, VMEMX_ZERO);
	CHECK(moved != NULL && is_all(moved, 0, 6 * MIB));
	/* What was asked for is not what the block has: all of that is kept and clean. */
	block = vmemx_mallocx(pool, 100, VMEMX_ZERO);
	block = vmemx_rallocx(pool, block, 112, VMEMX_ZERO);
	CHECK(block != NULL && is_all(block, 0, 112));
	CHECK(vmemx_rallocx(pool, block, 105, 0) == block);
	CHECK_ERRNO_KEPT(vmemx_rallocx(pool, block, 110, 0));

	memset(block, 0x77, 112);
	CHECK_REFUSED(vmemx_rallocx(pool, block, 65 * MIB, 0), ENOMEM, "");
	CHECK_REFUSED(vmemx_rallocx(pool, block, (size_t)-1, VMEMX_ZERO), ENOMEM, "");
	CHECK_REFUSED(vmemx_rallocx(pool, block, 0, 0), EINVAL, "A size of 0 refused");
	CHECK_REFUSED(vmemx_rallocx(pool, block, 200, 0x80), EINVAL, "bit 7");
	CHECK_REFUSED(vmemx_rallocx(pool, block, 200, VMEMX_ARENA(4000)), EINVAL, "fewer arenas");
	CHECK(is_all(block, 0x77, 112) && vmemx_sallocx(pool, block, 0) == 112);
	CHECK_REFUSED(vmemx_rallocx(pool, NULL, 200, 0), EINVAL, "not in the pool");
	CHECK_REFUSED(vmemx_rallocx(pool, block + 16, 200, 0), EINVAL, "no block starts there");
	CHECK_REFUSED(vmemx_rallocx(NULL, block, 200, 0), EINVAL, "invalid pool handle");

	/* A full pool: smaller is always possible, larger leaves the block alone. */
	block = vmemx_mallocx(pool, 30000, 0);
	memset(block, 0x77, 30000);
	while (vmem_malloc(pool, 30000) != NULL)
		;
	while (vmem_malloc(pool, 8) != NULL)
		;
	CHECK_REFUSED(vmemx_rallocx(pool, block, 8 * MIB, 0), ENOMEM, "");
	CHECK(is_all(block, 0x77, 30000));
	block = vmemx_rallocx(pool, block, 8, 0);
	CHECK(block != NULL && is_all(block, 0x77, 8));
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	return ended();
}
