/* vmemx_sdallocx(): the size is the one asked for, or the block's; another one is noticed where that is looked for. */
#include "extension.h"

static char printed[4096];

static void keep(const char *text)
{
	strncat(printed, text, sizeof printed - strlen(printed) - 1);
}

static void at_level(int level)
{
	static const size_t sizes[] = { 1, 8, 100, 5000, 14336, 20000, 700000, 3 * MIB };
	char conf[20];
	VMEM *pool;
	size_t i;
	int lg;

	snprintf(conf, sizeof conf, "hardening:%d", level);
	pool = create_private(64 * MIB, conf);
	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		for (lg = 0; lg < 15; lg += 2) {
			int flags = VMEMX_LG_ALIGN(lg);
			void *block = vmemx_mallocx(pool, sizes[i], flags);

			vmemx_sdallocx(pool, block, sizes[i], flags);
			block = vmemx_mallocx(pool, sizes[i], flags);
			vmemx_sdallocx(pool, block, vmemx_sallocx(pool, block, 0), flags | VMEMX_TCACHE_NONE);
			block = vmemx_rallocx(pool, vmemx_mallocx(pool, 100, 0), sizes[i], flags);
			CHECK_ERRNO_KEPT(vmemx_sdallocx(pool, block, sizes[i], flags));
		}
	}
	CHECK(number(pool, "stats.allocated") == 0 || level == 3); /* there some wait for a while */
	CHECK(printed[0] == '\0');
	for (i = 2; i < sizeof sizes / sizeof *sizes; i++) {
		void *block = vmemx_mallocx(pool, sizes[i], 0);

		CHECK_ERRNO_KEPT(vmemx_sdallocx(pool, block, sizes[i] / 2, i & 1 ? VMEMX_TCACHE_NONE : 0));
		if (level == 0) {
			CHECK(printed[0] == '\0');
			continue;
		}
		CHECK(strstr(printed, "ignored: its size is not the one that is given") != NULL);
		printed[0] = '\0';
		CHECK(vmemx_sallocx(pool, block, 0) >= sizes[i]);
		vmemx_sdallocx(pool, block, 2 * sizes[i], 0);
		vmemx_sdallocx(pool, block, 0, 0);
		CHECK(printed[0] != '\0' && vmemx_sallocx(pool, block, 0) >= sizes[i]);
		printed[0] = '\0';
		vmemx_sdallocx(pool, block, sizes[i], 0);
	}
	CHECK(printed[0] == '\0');
	CHECK_ERRNO_KEPT(vmemx_sdallocx(pool, NULL, 5, 0));
	CHECK_ERRNO_KEPT(vmemx_sdallocx(NULL, conf, 5, 0));
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	printed[0] = '\0';
}

int main(void)
{
	int level;

	setenv("VMEM_LOG_LEVEL", "1", 1);
	vmem_set_funcs(NULL, NULL, NULL, NULL, keep);
	for (level = 0; level < 4; level++)
		at_level(level);
	return ended();
}
