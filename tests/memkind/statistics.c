/* Numbers of kinds: what they are, when they change, and how they are printed. */
#include "test.h"

static int get(memkind_t kind, int which, size_t *value)
{
	*value = 4711;
	return memkind_get_stat(kind, (memkind_stat_type)which, value);
}

static void cached(void)
{
	memkind_t kind = create(64 * MIB);
	size_t value, i;
	void *block;

	for (i = 0; i < 3; i++) {
		CHECK(get(kind, (int)i, &value) == MEMKIND_ERROR_INVALID);
		CHECK(value == 0);
	}
	CHECK(memkind_update_cached_stats() == MEMKIND_SUCCESS);
	for (i = 0; i < 3; i++)
		CHECK(get(kind, (int)i, &value) == MEMKIND_SUCCESS && value == 0);
	block = memkind_malloc(kind, 1000);
	CHECK(get(kind, 2, &value) == MEMKIND_SUCCESS && value == 0);
	CHECK(number(kind, MEMKIND_STAT_TYPE_ALLOCATED) == memkind_malloc_usable_size(kind, block));
	CHECK(number(kind, MEMKIND_STAT_TYPE_ACTIVE) >= 1024);
	CHECK(number(kind, MEMKIND_STAT_TYPE_RESIDENT) >= number(kind, MEMKIND_STAT_TYPE_ACTIVE));
	CHECK(get(kind, 3, &value) == MEMKIND_ERROR_INVALID && get(kind, -1, &value) == MEMKIND_ERROR_INVALID);
	CHECK(get(NULL, 0, &value) == MEMKIND_ERROR_INVALID);
	CHECK(memkind_get_stat(kind, MEMKIND_STAT_TYPE_ACTIVE, NULL) == MEMKIND_ERROR_INVALID);
	memkind_free(kind, block);
	memkind_destroy_kind(kind);
}

/* Each kind has its own, exact to the byte. */
static void exact(void)
{
	memkind_t kinds[2] = {create(64 * MIB), create(64 * MIB)};
	size_t sums[2] = {0, 0}, i;
	void *blocks[2000];
	uint64_t random = 5;

	for (i = 0; i < 2000; i++) {
		size_t of = i % 2;
		blocks[i] = memkind_malloc(kinds[of], 1 + next_random(&random) % 30000);
		sums[of] += memkind_malloc_usable_size(NULL, blocks[i]);
	}
	CHECK(number(kinds[0], MEMKIND_STAT_TYPE_ALLOCATED) == sums[0]);
	CHECK(number(kinds[1], MEMKIND_STAT_TYPE_ALLOCATED) == sums[1]);
	for (i = 0; i < 2000; i += 3) {
		sums[i % 2] -= memkind_malloc_usable_size(NULL, blocks[i]);
		memkind_free(NULL, blocks[i]);
	}
	CHECK(number(kinds[0], MEMKIND_STAT_TYPE_ALLOCATED) == sums[0]);
	CHECK(number(kinds[1], MEMKIND_STAT_TYPE_ALLOCATED) == sums[1]);
	memkind_destroy_kind(kinds[0]);
	memkind_destroy_kind(kinds[1]);
}

static char text[1 << 20];

static void collect(void *argument, const char *piece)
{
	size_t length = strlen(text);
	CHECK(argument == text);
	snprintf(text + length, sizeof(text) - length, "%s", piece);
}

static void printed(void)
{
	memkind_t kind = create(64 * MIB);
	size_t whole;
	memkind_malloc(kind, 1000);
	CHECK(memkind_stats_print(collect, text, MEMKIND_STAT_PRINT_ALL) == MEMKIND_SUCCESS);
	CHECK(strstr(text, inside(kind)->name) != NULL);
	whole = strlen(text);
	text[0] = 0;
	CHECK(memkind_stats_print(collect, text, (memkind_stat_print_opt)(MEMKIND_STAT_PRINT_OMIT_PER_ARENA | MEMKIND_STAT_PRINT_OMIT_MERGED_ARENA)) == MEMKIND_SUCCESS);
	CHECK(strlen(text) > 0 && strlen(text) < whole);
	text[0] = 0;
	CHECK(memkind_stats_print(collect, text, MEMKIND_STAT_PRINT_JSON_FORMAT) == MEMKIND_SUCCESS);
	CHECK(text[0] == '{' && strstr(text, "\"jemalloc\"") != NULL && strstr(text, inside(kind)->name) != NULL);
	CHECK(memkind_stats_print(collect, text, (memkind_stat_print_opt)512) == MEMKIND_ERROR_INVALID);
	CHECK(memkind_set_bg_threads(true) == MEMKIND_SUCCESS && memkind_set_bg_threads(true) == MEMKIND_SUCCESS);
	CHECK(memkind_set_bg_threads(false) == MEMKIND_SUCCESS);
	memkind_destroy_kind(kind);
}

/* Survivors of an irregular pattern move to where slabs are fuller, and pages become free. */
static void defragmented(void)
{
	memkind_t kind = create(64 * MIB);
	static void *blocks[20000];
	size_t i, moved = 0, live = 0, before;

	for (i = 0; i < 20000; i++) {
		blocks[i] = memkind_malloc(kind, 200);
		memset(blocks[i], (int)(i % 251), 200);
	}
	CHECK(memkind_defrag_reallocate(kind, blocks[0]) == NULL);
	for (i = 0; i < 20000; i++)
		if ((i * 2654435761u >> 7) % 8 != 0) {
			memkind_free(kind, blocks[i]);
			blocks[i] = NULL;
		}
	before = number(kind, MEMKIND_STAT_TYPE_ACTIVE);
	for (i = 0; i < 20000; i++)
		if (blocks[i] != NULL) {
			void *to = memkind_defrag_reallocate(i % 2 ? NULL : kind, blocks[i]);
			if (to != NULL)
				blocks[i] = to;
			moved += to != NULL;
			live++;
			CHECK(((unsigned char *)blocks[i])[199] == i % 251);
		}
	CHECK(moved * 2 > live);
	CHECK(number(kind, MEMKIND_STAT_TYPE_ACTIVE) < before / 2);
	CHECK(number(kind, MEMKIND_STAT_TYPE_ALLOCATED) == live * 208);
	memkind_destroy_kind(kind);
}

int main(void)
{
	cached();
	exact();
	printed();
	defragmented();
	return ended();
}
