/* The two headers beside memkind.h: shares of several kinds, and memory of high bandwidth, which no machine has unless told so. */
#define MEMKIND_DEPRECATED(function) function
#include "test.h"

#include <hbwmalloc.h>
#include <memkind_memtier.h>

static void builders(void)
{
	struct memtier_builder *builder = memtier_builder_new(MEMTIER_POLICY_STATIC_RATIO);
	struct memtier_memory *memory;

	CHECK_CALL(memtier_builder_new(MEMTIER_POLICY_MAX_VALUE), NULL, EINVAL);
	require(builder != NULL, "memtier_builder_new");
	CHECK(memtier_builder_construct_memtier_memory(builder) == NULL);
	CHECK(memtier_builder_add_tier(builder, MEMKIND_DEFAULT, 0) != 0);
	CHECK(memtier_builder_add_tier(builder, NULL, 1) != 0);
	CHECK(memtier_builder_add_tier(builder, MEMKIND_DEFAULT, 1) == 0);
	CHECK(memtier_builder_add_tier(builder, MEMKIND_DEFAULT, 1) != 0);
	CHECK(memtier_ctl_set(builder, "policy.nothing", NULL) != 0);
	memory = memtier_builder_construct_memtier_memory(builder);
	memtier_builder_delete(builder);
	CHECK(memory != NULL);
	memtier_delete_memtier_memory(memory);
}

/* One block in four comes from the first kind, and what is freed counts no more. */
static void shares(void)
{
	memkind_t kind = create(64 * MIB);
	struct memtier_builder *builder = memtier_builder_new(MEMTIER_POLICY_STATIC_RATIO);
	struct memtier_memory *memory;
	void *blocks[400], *block;
	size_t i, there = 0;

	CHECK(memtier_builder_add_tier(builder, MEMKIND_REGULAR, 1) == 0 && memtier_builder_add_tier(builder, kind, 3) == 0);
	memory = memtier_builder_construct_memtier_memory(builder);
	memtier_builder_delete(builder);
	require(memory != NULL, "memtier_builder_construct_memtier_memory");
	for (i = 0; i < 400; i++) {
		blocks[i] = i % 2 ? memtier_malloc(memory, 1000) : memtier_calloc(memory, 10, 100);
		CHECK(blocks[i] != NULL && memtier_usable_size(blocks[i]) == 1024);
		there += memkind_detect_kind(blocks[i]) == kind;
	}
	CHECK(there == 300);
	CHECK(memtier_kind_allocated_size(kind) == 300 * 1024 && memtier_kind_allocated_size(MEMKIND_REGULAR) == 100 * 1024);
	blocks[0] = memtier_realloc(memory, blocks[0], 5000);
	CHECK(blocks[0] != NULL && memtier_usable_size(blocks[0]) >= 5000);
	for (i = 0; i < 400; i++)
		memtier_free(blocks[i]);
	CHECK(memtier_kind_allocated_size(kind) == 0 && memtier_kind_allocated_size(MEMKIND_REGULAR) == 0);
	CHECK(memtier_posix_memalign(memory, &block, 4096, 100) == 0 && (uintptr_t)block % 4096 == 0);
	memtier_kind_free(NULL, block);
	block = memtier_kind_malloc(kind, 100);
	CHECK(memkind_detect_kind(block) == kind && memtier_kind_allocated_size(kind) == 112);
	block = memtier_kind_realloc(kind, block, 0);
	CHECK(block == NULL && memtier_kind_allocated_size(kind) == 0);
	CHECK_CALL(memtier_kind_calloc(kind, SIZE_MAX, 2), NULL, ENOMEM);
	CHECK(memtier_kind_posix_memalign(kind, &block, 3, 1) == EINVAL);
	memtier_delete_memtier_memory(memory);
	CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
}

static void fast(void)
{
	void *block, *aligned = NULL;

	CHECK(hbw_check_available() == ENODEV);
	CHECK(hbw_get_policy() == HBW_POLICY_PREFERRED);
	CHECK(hbw_set_policy((hbw_policy_t)7) == EINVAL);
	CHECK_CALL(hbw_malloc(0), NULL, 0);
	block = hbw_malloc(100);
	CHECK(block != NULL && memkind_detect_kind(block) == MEMKIND_DEFAULT && hbw_malloc_usable_size(block) == 112);
	CHECK(hbw_set_policy(HBW_POLICY_BIND) == EPERM && hbw_set_policy(HBW_POLICY_PREFERRED) == 0);
	CHECK(hbw_verify_memory_region(block, 100, HBW_TOUCH_PAGES) == -1);
	CHECK(hbw_verify_memory_region(NULL, 100, 0) == EINVAL && hbw_verify_memory_region(block, 0, 0) == EINVAL);
	block = hbw_realloc(block, 3000);
	CHECK(block != NULL);
	hbw_free(block);
	block = hbw_calloc(10, 10);
	CHECK(block != NULL && ((char *)block)[99] == 0);
	hbw_free(block);
	CHECK_CALL(hbw_calloc(SIZE_MAX, 2), NULL, ENOMEM);
	CHECK(hbw_posix_memalign(&aligned, 256, 10) == 0 && (uintptr_t)aligned % 256 == 0);
	hbw_free(aligned);
	CHECK(hbw_posix_memalign_psize(&aligned, 4096, 10, HBW_PAGESIZE_4KB) == 0);
	hbw_free(aligned);
	CHECK(hbw_posix_memalign_psize(&aligned, 4096, 10, HBW_PAGESIZE_2MB) == ENOMEM && aligned == NULL);
	CHECK(hbw_posix_memalign_psize(&aligned, 4096, 10, HBW_PAGESIZE_MAX_VALUE) == EINVAL);
	hbw_free(NULL);
}

int main(void)
{
	builders();
	shares();
	fast();
	return ended();
}
