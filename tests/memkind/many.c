/* As many kinds as there can be, whatever the number of processors; limited and unlimited ones; and all over again. */
#include "test.h"

#define MADE (MEMKIND_MAX_KIND - 26)

static memkind_t kinds[MEMKIND_MAX_KIND];

static int descriptors(void)
{
	int fd = dup(0);
	close(fd);
	return fd;
}

static size_t create_all(size_t limit)
{
	size_t count = 0;
	int code = 0;
	while (count < MEMKIND_MAX_KIND && (code = memkind_create_pmem("/dev/shm", limit, &kinds[count])) == MEMKIND_SUCCESS) {
		char *block = memkind_malloc(kinds[count], 3000);
		CHECK(block != NULL && memkind_detect_kind(block) == kinds[count]);
		if (block != NULL)
			memset(block, (int)count, 3000);
		count++;
	}
	CHECK(code == MEMKIND_ERROR_ARENAS_CREATE);
	CHECK(count < MEMKIND_MAX_KIND && kinds[count] == NULL);
	return count;
}

static void destroy_all(size_t count)
{
	size_t i;
	for (i = 0; i < count; i++)
		CHECK(memkind_destroy_kind(kinds[(i * 7) % count]) == MEMKIND_SUCCESS);
}

int main(void)
{
	const size_t limits[] = {MEMKIND_PMEM_MIN_SIZE, 0, (size_t)1 << 50};
	int before = descriptors();
	struct rlimit limit = {2000, 2000};
	size_t i;

	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		skip("1000 descriptors are not allowed");
	for (i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		memset(kinds, 1, sizeof(kinds));
		CHECK(create_all(limits[i]) == MADE);
		destroy_all(MADE);
	}
	CHECK(descriptors() == before);

	/* Where addresses are few, kinds reserve less. */
	limit.rlim_cur = limit.rlim_max = (rlim_t)4 << 30;
	require(setrlimit(RLIMIT_AS, &limit) == 0, "setrlimit");
	for (i = 0; i < 4; i++) {
		kinds[i] = create(0);
		CHECK(memkind_malloc(kinds[i], 10 * MIB) != NULL);
	}
	for (i = 0; i < 4; i++)
		CHECK(memkind_destroy_kind(kinds[i]) == MEMKIND_SUCCESS);
	return ended();
}
