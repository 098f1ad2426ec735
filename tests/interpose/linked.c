/* Linked with -lvmmalloc instead of preloaded: its malloc is the library's all the same. */
#include "test.h"

#include <libvmmalloc.h>

int main(void)
{
	char *block = hide(malloc(100)), *line = NULL;
	size_t room = 0;
	FILE *file = fopen("/proc/self/maps", "r");

	CHECK(getenv("LD_PRELOAD") == NULL);
	CHECK(in_pool(block));
	free(block);
	/* The C library's own calls arrive, too. */
	require(file != NULL && getline(&line, &room, file) > 0, "getline");
	CHECK(in_pool(line) && in_pool(file));
	free(line);
	fclose(file);
	CHECK(VMMALLOC_MIN_POOL == 14 * MIB);
	CHECK(VMMALLOC_MAJOR_VERSION == 1 && VMMALLOC_MINOR_VERSION == 1);
	return ended();
}
