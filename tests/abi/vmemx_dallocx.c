/* vmemx_dallocx(): with and without the thread's cache, and wrong use. */
#include "extension.h"

static char printed[4096];

static void keep(const char *text)
{
	strncat(printed, text, sizeof printed - strlen(printed) - 1);
}

int main(void)
{
	static const size_t sizes[] = { 1, 100, 14336, 20000, 3 * MIB };
	VMEM *pool;
	size_t i;

	setenv("VMEM_LOG_LEVEL", "1", 1);
	vmem_set_funcs(NULL, NULL, NULL, NULL, keep);
	pool = create_private(64 * MIB, "hardening:1");
	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		vmemx_dallocx(pool, vmemx_mallocx(pool, sizes[i], VMEMX_TCACHE_NONE), VMEMX_TCACHE_NONE);
		CHECK(number(pool, "vmem.cached") == 0 && number(pool, "stats.allocated") == 0);
	}
	vmemx_dallocx(pool, vmemx_mallocx(pool, 100, 0), 0);
	CHECK(number(pool, "vmem.cached") > 0 && number(pool, "stats.allocated") == 0);
	vmemx_dallocx(pool, vmemx_mallocx(pool, 100, VMEMX_ALIGN(4096)), VMEMX_ALIGN(4096) | VMEMX_ZERO);
	CHECK(number(pool, "stats.allocated") == 0);
	CHECK_ERRNO_KEPT(vmemx_dallocx(pool, NULL, 0));
	CHECK_ERRNO_KEPT(vmemx_dallocx(pool, NULL, VMEMX_TCACHE_NONE));
	CHECK(printed[0] == '\0');

	CHECK_ERRNO_KEPT(vmemx_dallocx(pool, &pool, 0));
	CHECK(strstr(printed, "it is not in the pool") != NULL);
	printed[0] = '\0';
	CHECK_ERRNO_KEPT(vmemx_dallocx(pool, &pool, VMEMX_TCACHE_NONE));
	CHECK(strstr(printed, "it is not in the pool") != NULL);
	CHECK_ERRNO_KEPT(vmemx_dallocx(NULL, &pool, 0));
	CHECK(strstr(vmem_errormsg(), "invalid pool handle") != NULL);
	CHECK_ERRNO_KEPT(vmemx_dallocx(NULL, &pool, VMEMX_TCACHE_NONE));
	CHECK_ERRNO_KEPT(vmemx_dallocx(pool, &pool, 0x80));
	CHECK(strstr(vmem_errormsg(), "bit 7") != NULL);
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	return ended();
}
