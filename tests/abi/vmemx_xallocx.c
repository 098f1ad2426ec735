/* vmemx_xallocx(): in place, or not at all. */
#include "extension.h"

int main(void)
{
	VMEM *pool = create_private(64 * MIB, "hardening:1");
	unsigned char *small = vmemx_mallocx(pool, 100, 0), *run = vmemx_mallocx(pool, 2 * MIB, VMEMX_ZERO);
	unsigned char *behind = vmemx_mallocx(pool, 4 * MIB, 0), *wall = vmemx_mallocx(pool, 30 * MIB, 0);

	require(small != NULL && run != NULL && behind != NULL && wall != NULL, "vmemx_mallocx");
	CHECK(vmemx_xallocx(pool, small, 100, 0, 0) == 112);
	CHECK(vmemx_xallocx(pool, small, 113, 0, 0) == 112);
	CHECK(vmemx_xallocx(pool, small, 1, 1000, VMEMX_ZERO) == 112);
	CHECK(vmemx_xallocx(pool, small, (size_t)-1, (size_t)-1, 0) == 112);
	CHECK(vmemx_xallocx(pool, run, 2 * MIB, 0, 0) == 2 * MIB);
	CHECK(vmemx_xallocx(pool, run, 3 * MIB, MIB, 0) == 2 * MIB);
	CHECK(vmemx_xallocx(pool, run, 1, (size_t)-1, 0) == 2 * MIB);

	memset(behind, 0xdd, 4 * MIB);
	vmemx_dallocx(pool, behind, 0);
	CHECK(vmemx_xallocx(pool, run, 2 * MIB, MIB, VMEMX_ZERO) == 3 * MIB && is_all(run, 0, 3 * MIB));
	CHECK(vmemx_xallocx(pool, run, 3 * MIB + 5, 30 * MIB, VMEMX_ZERO) == 3 * MIB + 4096 && is_all(run, 0, 3 * MIB + 4096));
	CHECK(vmemx_xallocx(pool, run, 20 * MIB, 0, 0) == 3 * MIB + 4096);
	CHECK(vmemx_xallocx(pool, run, 6 * MIB, 0, VMEMX_ALIGN((size_t)1 << 40)) == 3 * MIB + 4096);
	CHECK(vmemx_xallocx(pool, run, 100000, 0, 0) == vmemx_nallocx(pool, 100000, 0));
	CHECK(vmemx_sallocx(pool, run, 0) == vmemx_nallocx(pool, 100000, 0));
	CHECK_ERRNO_KEPT(vmemx_xallocx(pool, run, 200000, 0, 0));

	CHECK_ZERO(vmemx_xallocx(pool, run, 0, 5, 0), EINVAL, "A size of 0 refused");
	CHECK_ZERO(vmemx_xallocx(pool, run, 5, 5, 0x80), EINVAL, "bit 7");
	CHECK_ZERO(vmemx_xallocx(pool, NULL, 5, 5, 0), EINVAL, "not in the pool");
	CHECK_ZERO(vmemx_xallocx(pool, run + 8, 5, 5, 0), EINVAL, "no block starts there");
	CHECK_ZERO(vmemx_xallocx(NULL, run, 5, 5, 0), EINVAL, "invalid pool handle");
	vmemx_dallocx(pool, run, 0);
	vmemx_dallocx(pool, small, 0);
	vmemx_dallocx(pool, wall, 0);
	CHECK(number(pool, "stats.allocated") == 0 && vmem_check(pool) == 1);
	vmem_delete(pool);
	return ended();
}
