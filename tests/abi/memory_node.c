/*
 * vmem_create() on a tmpfs whose mount binds it to a NUMA node: VMEM_TEST_NODE_DIR is its directory, VMEM_TEST_NODE the
 * node's number. Every page of the pool is on that node, wherever the thread runs.
 */
#include "test.h"

/* Pages of the mapping at `address` on a node, or on all others. The first page, which is protected, is a mapping of its own. */
static size_t pages_on(const void *address, int node, int others)
{
	char line[4096];
	FILE *file = fopen("/proc/self/numa_maps", "r");
	size_t total = 0;

	require(file != NULL, "/proc/self/numa_maps");
	while (fgets(line, sizeof line, file) != NULL) {
		char *word;
		if (strtoull(line, NULL, 16) - (uintptr_t)address > 4096)
			continue;
		for (word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
			int number;
			size_t pages;
			if (sscanf(word, "N%d=%zu", &number, &pages) == 2 && (number != node) == others)
				total += pages;
		}
	}
	fclose(file);
	return total;
}

int main(void)
{
	const char *named = getenv("VMEM_TEST_NODE_DIR");
	const size_t size = 32 * MIB;
	size_t bytes = 0;
	char *block;
	VMEM *pool;
	int node;

	if (named == NULL)
		skip("VMEM_TEST_NODE_DIR names no directory (deno task test:dax)");
	node = atoi(getenv("VMEM_TEST_NODE"));
	pool = vmem_create(named, size);
	require(pool != NULL, "vmem_create");
	while ((block = vmem_malloc(pool, 64 << 10)) != NULL) {
		memset(block, 1, 64 << 10);
		bytes += 64 << 10;
	}
	CHECK(bytes >= size / 100 * 95);
	CHECK(pages_on(pool, node, 0) >= bytes / 4096);
	CHECK(pages_on(pool, node, 1) == 0);
	vmem_delete(pool);
	return ended();
}
