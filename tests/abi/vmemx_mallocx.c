/* vmemx_mallocx(): sizes, alignments, zeros, arenas, caches, and flags that mean nothing. */
#include "extension.h"

static int child(void *pool)
{
	CHECK_REFUSED(vmemx_mallocx(pool, 1, 0), EBADF, "before fork");
	CHECK_REFUSED(vmemx_mallocx(pool, 1, VMEMX_ZERO), EBADF, "before fork");
	return ended();
}

int main(void)
{
	VMEM *pool = create_private(64 * MIB, "narenas:3,hardening:1");
	unsigned char *block, *dirty;
	size_t size, alignment;
	unsigned arena, found;
	size_t length;
	int lg;

	dirty = vmem_malloc(pool, 40 * MIB);
	memset(dirty, 0xdd, 40 * MIB);
	vmem_free(pool, dirty);
	for (size = 1; size < 3 * MIB; size += size / 3 + 1) {
		for (lg = 0; lg <= 22; lg += 2) {
			int flags = VMEMX_LG_ALIGN(lg) | (size & 1 ? VMEMX_ZERO : 0) | (size & 2 ? VMEMX_TCACHE_NONE : 0);
			alignment = (size_t)1 << lg;
			CHECK(VMEMX_ALIGN(alignment) == lg);
			block = vmemx_mallocx(pool, size, flags);
			CHECK(block != NULL && ((uintptr_t)block & (alignment - 1)) == 0);
			if (block == NULL)
				continue;
			CHECK(vmemx_sallocx(pool, block, 0) == vmemx_nallocx(pool, size, flags));
			if (flags & VMEMX_ZERO)
				CHECK(is_all(block, 0, vmemx_sallocx(pool, block, 0)));
			memset(block, 0xdd, vmemx_sallocx(pool, block, 0));
			vmemx_dallocx(pool, block, flags);
		}
	}
	CHECK(VMEMX_ALIGN((size_t)1 << 47) == 47 && VMEMX_ALIGN(1) == 0 && VMEMX_ALIGN(32) == VMEMX_LG_ALIGN(5));
	CHECK_ERRNO_KEPT(vmemx_mallocx(pool, 100, VMEMX_ZERO));

	for (arena = 0; arena < 3; arena++) {
		block = vmemx_mallocx(pool, 5000, VMEMX_ARENA(arena) | VMEMX_ZERO);
		require(block != NULL, "vmemx_mallocx in an arena");
		length = sizeof found;
		CHECK(vmemx_ctl(pool, "arenas.lookup", &found, &length, &block, sizeof block) == 0 && found == arena);
		vmemx_dallocx(pool, block, VMEMX_ARENA(arena));
		block = vmemx_mallocx(pool, 5000, VMEMX_ARENA(arena));
		vmemx_dallocx(pool, block, VMEMX_ARENA(77)); /* says nothing about a block to be freed */
	}
	CHECK_REFUSED(vmemx_mallocx(pool, 5000, VMEMX_ARENA(3)), EINVAL, "Flags 0x400000 refused: the pool has fewer arenas");
	CHECK_REFUSED(vmemx_mallocx(pool, 5000, VMEMX_ARENA(4094)), EINVAL, "fewer arenas");
	CHECK_REFUSED(vmemx_mallocx(pool, 5000, 0x200), EINVAL, "Flags 0x200 refused: a pool has no caches but");
	CHECK_REFUSED(vmemx_mallocx(pool, 5000, 0x80), EINVAL, "bit 7 has no meaning");
	CHECK_REFUSED(vmemx_mallocx(pool, 0, 0), EINVAL, "A size of 0 refused");
	CHECK_REFUSED(vmemx_mallocx(pool, 0, VMEMX_ZERO), EINVAL, "A size of 0 refused");
	CHECK_REFUSED(vmemx_mallocx(pool, 65 * MIB, 0), ENOMEM, "");
	CHECK_REFUSED(vmemx_mallocx(pool, (size_t)-1, VMEMX_ZERO), ENOMEM, "");
	CHECK_REFUSED(vmemx_mallocx(pool, 100, VMEMX_LG_ALIGN(63)), ENOMEM, "");
	CHECK_REFUSED(vmemx_mallocx(NULL, 1, 0), EINVAL, "invalid pool handle");
	CHECK_REFUSED(vmemx_mallocx(NULL, 1, VMEMX_ZERO), EINVAL, "invalid pool handle");
	CHECK(status_of_child(child, pool) == 0);
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	CHECK_REFUSED(vmemx_mallocx(pool, 1, VMEMX_TCACHE_NONE), EINVAL, "invalid pool handle");
	return ended();
}
