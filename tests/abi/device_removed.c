/*
 * A device of DAX whose driver lets go of it while it is a pool, as when it is unplugged: VMEM_TEST_DAX_REMOVABLE names one that
 * may be treated so. Touching its memory raises SIGBUS; the library does not touch it by itself, and says what is wrong.
 */
#include "test.h"

#include <setjmp.h>
#include <signal.h>

static sigjmp_buf jump;

static void handler(int number)
{
	(void)number;
	siglongjmp(jump, 1);
}

static void driver(const char *device, const char *file)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof path, "/sys/bus/dax/drivers/device_dax/%s", file);
	out = fopen(path, "w");
	require(out != NULL && fputs(strrchr(device, '/') + 1, out) >= 0 && fclose(out) == 0, path);
}

int main(void)
{
	const char *device = getenv("VMEM_TEST_DAX_REMOVABLE");
	volatile int signals = 0;
	char *block, *other;
	VMEM *pool;

	if (device == NULL)
		skip("VMEM_TEST_DAX_REMOVABLE names no device (deno task test:dax)");
	pool = vmem_create(device, 0);
	require(pool != NULL, "vmem_create");
	block = vmem_malloc(pool, MIB);
	memset(block, 1, MIB);
	driver(device, "unbind");

	signal(SIGBUS, handler);
	if (sigsetjmp(jump, 1) == 0)
		block[0] = 2;
	else
		signals++;
	CHECK(signals == 1);
	/* A signal in any of these would end the program. */
	signal(SIGBUS, SIG_DFL);
	CHECK(vmem_check(pool) == 1);
	other = vmem_malloc(pool, 100000);
	CHECK(other != NULL);
	CHECK(vmem_malloc_usable_size(pool, other) >= 100000);
	vmem_free(pool, other);
	vmem_free(pool, block);
	CHECK(vmem_create(device, 0) == NULL);
	CHECK_ERRNO_KEPT(vmem_delete(pool));
	CHECK_REFUSED(vmem_create(device, 0), ENXIO, "open: No such device or address (the device is bound to no driver");

	driver(device, "bind");
	pool = vmem_create(device, 0);
	CHECK(pool != NULL);
	block = vmem_calloc(pool, 1, MIB);
	CHECK(block != NULL && block[0] == 0);
	vmem_delete(pool);
	return ended();
}
