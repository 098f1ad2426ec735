/* vmemx_sallocx(): the usable bytes, at every level of hardening, as vmem_malloc_usable_size() has them. */
#include "extension.h"

int main(void)
{
	static const char *const levels[] = { "hardening:0", "hardening:1", "hardening:2", "hardening:3" };
	size_t level, size;

	for (level = 0; level < 4; level++) {
		VMEM *pool = create_private(64 * MIB, levels[level]);

		for (size = 1; size < 5 * MIB; size += size / 2 + 1) {
			void *block = vmem_malloc(pool, size);

			CHECK(vmemx_sallocx(pool, block, 0) >= size);
			CHECK(vmemx_sallocx(pool, block, VMEMX_ALIGN(64) | 0x80) == vmem_malloc_usable_size(pool, block));
			CHECK(vmemx_sallocx(pool, block, 0) == vmemx_nallocx(pool, size, 0));
			CHECK_ERRNO_KEPT(vmemx_sallocx(pool, block, 0));
			vmem_free(pool, block);
		}
		CHECK_ZERO(vmemx_sallocx(pool, NULL, 0), EINVAL, level == 0 ? "" : "not in the pool");
		CHECK_ZERO(vmemx_sallocx(pool, &size, 0), EINVAL, level == 0 ? "" : "not in the pool");
		CHECK_ZERO(vmemx_sallocx(NULL, &size, 0), EINVAL, "invalid pool handle");
		vmem_delete(pool);
	}
	return ended();
}
