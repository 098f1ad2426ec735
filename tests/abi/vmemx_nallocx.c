/* vmemx_nallocx(): what blocks turn out to have. tests/abi/vmemx_jemalloc.c compares it with jemalloc's. */
#include "extension.h"

int main(void)
{
	VMEM *pool = create_private(64 * MIB, "hardening:1"), *checked = create_private(64 * MIB, "hardening:2");
	size_t size;
	int lg;

	for (size = 1; size < 4 * MIB; size += size / 50 + 1) {
		for (lg = 0; lg < 16; lg += 5) {
			size_t told = vmemx_nallocx(pool, size, VMEMX_LG_ALIGN(lg));
			void *block = vmemx_mallocx(pool, size, VMEMX_LG_ALIGN(lg));

			CHECK(told >= size && told == vmemx_sallocx(pool, block, 0));
			CHECK(vmemx_nallocx(pool, told, VMEMX_LG_ALIGN(lg) | VMEMX_ZERO) == told);
			vmemx_dallocx(pool, block, 0);
		}
	}
	CHECK(vmemx_nallocx(pool, 1, 0) == 8 && vmemx_nallocx(checked, 1, 0) == 16);
	CHECK(vmemx_nallocx(pool, 64 * MIB, 0) == 64 * MIB);
	CHECK_ERRNO_KEPT(vmemx_nallocx(pool, 64 * MIB, 0));
	CHECK_ZERO(vmemx_nallocx(pool, 64 * MIB + 1, 0), ENOMEM, "");
	CHECK_ZERO(vmemx_nallocx(pool, (size_t)-1, 0), ENOMEM, "");
	CHECK_ZERO(vmemx_nallocx(pool, 1, VMEMX_LG_ALIGN(63)), ENOMEM, "");
	CHECK_ZERO(vmemx_nallocx(pool, 0, 0), EINVAL, "A size of 0 refused");
	CHECK_ZERO(vmemx_nallocx(pool, 1, 0x80), EINVAL, "bit 7");
	CHECK_ZERO(vmemx_nallocx(NULL, 1, 0), EINVAL, "invalid pool handle");
	CHECK(number(pool, "stats.allocated") == 0);
	vmem_delete(pool);
	vmem_delete(checked);
	CHECK_ZERO(vmemx_nallocx(pool, 1, 0), EINVAL, "invalid pool handle");
	return ended();
}
