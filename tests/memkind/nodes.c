/*
 * Kinds whose memory is that of NUMA nodes: every page is on the node that the environment names, at first and when storage came
 * back. `deno task test:dax` runs it on a machine with a second node.
 */
#include "test.h"
#include <sys/syscall.h>

#define SIZE (3 * MIB)

static int node_of(void *address)
{
	const unsigned long node_at_address = 3;
	int node = -1;
	require(syscall(SYS_get_mempolicy, &node, NULL, 0, address, node_at_address) == 0, "get_mempolicy");
	return node;
}

/* A full node may have sent pages elsewhere, so the policy is asked for. Where there is one node there is none. */
static void prefers(memkind_t kind, int node)
{
	const unsigned long policy_at_address = 2;
	const int preferred = 1;
	unsigned long mask[16] = {0};
	char *block = memkind_calloc(kind, 1, SIZE);
	int mode = -1;

	require(block != NULL, "memkind_calloc");
	CHECK(memkind_check_available(kind) == MEMKIND_SUCCESS && memkind_detect_kind(block) == kind);
	require(syscall(SYS_get_mempolicy, &mode, mask, sizeof(mask) * 8, block, policy_at_address) == 0, "get_mempolicy");
	CHECK(node == 0 || (mode == preferred && mask[0] == 1ul << node));
	memkind_free(kind, block);
}

static void on_node(memkind_t kind, int node)
{
	size_t i, round;

	CHECK(memkind_check_available(kind) == MEMKIND_SUCCESS);
	for (round = 0; round < 3; round++) {
		char *small = memkind_malloc(kind, 100), *large = memkind_calloc(kind, 1, SIZE);
		require(small != NULL && large != NULL, "memkind_malloc");
		memset(large, 1, SIZE);
		small[0] = 1;
		CHECK(node_of(small) == node && memkind_detect_kind(small) == kind);
		for (i = 0; i < SIZE; i += 4096)
			if (node_of(large + i) != node)
				break;
		CHECK(i >= SIZE);
		memkind_free(kind, small);
		memkind_free(kind, large);
		if (round == 0) /* until it is given back */
			for (i = 0; i < 1000 && number(kind, MEMKIND_STAT_TYPE_RESIDENT) > SIZE; i++) {
				memkind_free(kind, memkind_malloc(kind, 100));
				usleep(10000);
			}
	}
}

int main(void)
{
	const char *fast = getenv("MEMKIND_HBW_NODES"), *devices = getenv("MEMKIND_DAX_KMEM_NODES"), *found = getenv("VMEM_TEST_KMEM_NODE");

	if (fast == NULL && devices == NULL && found == NULL)
		skip("no NUMA node to look for is named");
	if (fast != NULL) {
		on_node(MEMKIND_HBW, atoi(fast));
		on_node(MEMKIND_HBW_ALL, atoi(fast));
		prefers(MEMKIND_HBW_PREFERRED, atoi(fast));
	}
	if (devices != NULL || found != NULL) {
		on_node(MEMKIND_DAX_KMEM, atoi(devices != NULL ? devices : found));
		on_node(MEMKIND_DAX_KMEM_ALL, atoi(devices != NULL ? devices : found));
		prefers(MEMKIND_DAX_KMEM_PREFERRED, atoi(devices != NULL ? devices : found));
	}
	return ended();
}
