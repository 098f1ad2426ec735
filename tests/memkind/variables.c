/*
 * The variables of the library: the kinds that are there, and the tables of operations. Compilers that do not make code
 * independent of its position copy both into the program, and so does the test of installed programs.
 */
#define MEMKIND_DEPRECATED(function) function
#include "test.h"

#define BUILT_IN 26

struct operations {
	int (*create)(memkind_t kind, const struct operations *ops, const char *name);
	int (*destroy)(memkind_t kind);
	void *(*malloc)(memkind_t kind, size_t size);
	void *(*calloc)(memkind_t kind, size_t count, size_t size);
	int (*posix_memalign)(memkind_t kind, void **block, size_t alignment, size_t size);
	void *(*realloc)(memkind_t kind, void *block, size_t size);
	void (*free)(memkind_t kind, void *block);
	void *rest[14];
};

extern struct operations MEMKIND_DEFAULT_OPS, MEMKIND_REGULAR_OPS, MEMKIND_PMEM_OPS, MEMKIND_HBW_OPS;
int memkind_arena_destroy(memkind_t kind);

static void each_kind(void)
{
	memkind_t all[] = {MEMKIND_DEFAULT, MEMKIND_HBW, MEMKIND_HBW_HUGETLB, MEMKIND_HBW_PREFERRED, MEMKIND_HUGETLB, MEMKIND_INTERLEAVE, MEMKIND_REGULAR,
		MEMKIND_HBW_ALL, MEMKIND_DAX_KMEM, MEMKIND_DAX_KMEM_ALL, MEMKIND_HIGHEST_CAPACITY, MEMKIND_LOWEST_LATENCY_LOCAL, MEMKIND_HIGHEST_BANDWIDTH_LOCAL};
	const char *const names[] = {"default", "hbw", "hbw_hugetlb", "hbw_preferred", "hugetlb", "interleave", "regular", "hbw_all", "dax_kmem",
		"dax_kmem_all", "highest_capacity", "lowest_latency_local", "highest_bandwidth_local"};
	char name[64];
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		memkind_t found = NULL;
		snprintf(name, sizeof(name), "memkind_%s", names[i]);
		CHECK(strcmp(inside(all[i])->name, name) == 0);
		CHECK(inside(all[i])->partition < BUILT_IN);
		CHECK(memkind_get_kind_by_partition((int)inside(all[i])->partition, &found) == MEMKIND_SUCCESS && found == all[i]);
	}
}

/* The calls of a table are those of the library, and a kind leads to the same ones. */
static void through(const struct operations *ops, memkind_t kind)
{
	void *block = ops->malloc(kind, 100), *aligned = NULL;

	CHECK(memcmp(inside(kind)->ops, ops, sizeof(*ops)) == 0);
	CHECK(block != NULL && memkind_detect_kind(block) == kind);
	block = ops->realloc(kind, block, 5000);
	CHECK(block != NULL && memkind_malloc_usable_size(kind, block) >= 5000);
	ops->free(kind, block);
	CHECK(ops->posix_memalign(kind, &aligned, 4096, 10) == 0 && (uintptr_t)aligned % 4096 == 0);
	ops->free(NULL, aligned);
	block = ops->calloc(kind, 3, 1000);
	CHECK(block != NULL && ((char *)block)[2999] == 0);
	memkind_free(kind, block);
}

/* A built-in kind whose memory a program takes away begins anew; that of MEMKIND_DEFAULT nobody takes away. */
static void taken_away(memkind_t kind, int stays)
{
	void *old = memkind_malloc(kind, 100), *block;

	CHECK(old != NULL);
	CHECK(memkind_arena_destroy(kind) == MEMKIND_SUCCESS);
	CHECK(memkind_detect_kind(old) == (stays ? kind : NULL));
	block = memkind_malloc(kind, 200);
	CHECK(block != NULL && memkind_detect_kind(block) == kind);
	memset(block, 1, 200);
	memkind_free(kind, block);
	memkind_free(kind, old);
	CHECK(memkind_config_new() != NULL);
}

int main(void)
{
	memkind_t kind = create(16 * MIB);

	each_kind();
	through(&MEMKIND_DEFAULT_OPS, MEMKIND_DEFAULT);
	through(&MEMKIND_REGULAR_OPS, MEMKIND_REGULAR);
	through(&MEMKIND_PMEM_OPS, kind);
	CHECK(memcmp(inside(MEMKIND_HBW)->ops, &MEMKIND_HBW_OPS, sizeof(MEMKIND_HBW_OPS)) == 0);
	taken_away(MEMKIND_DEFAULT, 1);
	taken_away(MEMKIND_REGULAR, 0);
	taken_away(MEMKIND_REGULAR, 0);
	CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
	return ended();
}
