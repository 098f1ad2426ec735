/* The library for debugging tells the log of each call and of what it gave; the shipped one does not. */
#include "test.h"

#include "../abi/twin.h" /* with the test.h of this folder, which is there already */

static int use(void)
{
	memkind_t kind = create(MEMKIND_PMEM_MIN_SIZE);
	void *block = memkind_malloc(kind, 4711);

	CHECK(block != NULL);
	errno = 0;
	memkind_free(NULL, block);
	CHECK(errno == 0);
	CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
	return ended();
}

int main(int count, char **words)
{
	(void)words;
	if (count > 1)
		return use();
	unsetenv("VMEM_LOG_FILE");
	setenv("VMEM_LOG_LEVEL", "4", 1);
	CHECK(succeeded(run_self("use")));
	CHECK_NOT_SAID("memkind_");
	choose_twin();
	CHECK(succeeded(run_self("use")));
	CHECK_SAID("libmemkind 1.14 for debugging");
	CHECK_SAID("<libmemkind>: <3> ");
	CHECK_SAID("memkind_create_pmem(\"");
	CHECK_SAID("4711)");
	CHECK_SAID("memkind_malloc gave 0x");
	CHECK_SAID("memkind_free ended");
	CHECK_SAID("memkind_destroy_kind gave 0");
	setenv("VMEM_LOG_LEVEL", "2", 1);
	CHECK(succeeded(run_self("use")));
	CHECK_SAID("<libmemkind>: <2> ");
	CHECK_NOT_SAID("memkind_malloc");
	return ended();
}
