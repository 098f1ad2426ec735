/* What kinds take from the file system and give back, and how full they can get. */
#include "test.h"
#include <sys/statvfs.h>

static const char *const directories[] = {"/dev/shm", "/tmp"};

static unsigned long long room(const char *dir)
{
	struct statvfs about;
	require(statvfs(dir, &about) == 0, "statvfs");
	return (unsigned long long)about.f_bfree * about.f_frsize;
}

/* Storage leaves the file system when a block is allocated, untouched, and is back after the kind is gone. */
static int taken_ahead(const char *dir)
{
	int seen = 1;
	memkind_t kind = create_with(dir, 256 * MIB, MEMKIND_MEM_USAGE_POLICY_DEFAULT);
	unsigned long long before = room(dir);
	void *block = memkind_malloc(kind, 64 * MIB);

	CHECK(block != NULL);
	CHECK(storage(kind) >= 64 * MIB && storage(kind) <= 100 * MIB);
	CHECK(pmem(kind)->current_size >= 64 * MIB && pmem(kind)->current_size <= 100 * MIB);
	seen &= room(dir) + 60 * MIB < before;
	CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
	seen &= room(dir) + 30 * MIB > before;
	return seen;
}

/* CONSERVATIVE: what was freed is gone at once, also when it is a little, again and again. */
static void at_once(const char *dir)
{
	memkind_t kind = create_with(dir, 128 * MIB, MEMKIND_MEM_USAGE_POLICY_CONSERVATIVE);
	const size_t sizes[] = {1, 1 * KIB, 20 * KIB, 300 * KIB, 1 * MIB, 20 * MIB};
	void *blocks[1000];
	size_t i, round;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			size_t before = storage(kind);
			void *block = memkind_malloc(kind, sizes[i]);
			size_t with = storage(kind);
			CHECK(with >= before + sizes[i]);
			memkind_free(kind, block);
			/* The first time at once; after that a busy machine may have it wait for its turn. */
			CHECK(round + i == 0 ? storage(kind) < with : falls_to(kind, 64 * KIB));
		}
	}
	for (i = 0; i < 1000; i++)
		blocks[i] = memkind_malloc(kind, 20 * KIB);
	CHECK(storage(kind) >= 20000 * KIB);
	for (i = 0; i < 1000; i++)
		memkind_free(NULL, blocks[i]);
	CHECK(falls_to(kind, 64 * KIB));
	memkind_destroy_kind(kind);
}

/* The limit counts live blocks: churn leaves nothing behind that refuses a large block, and the file stays within the limit. */
static void limit_counts_live(memkind_mem_usage_policy policy)
{
	memkind_t kind = create_with("/dev/shm", 256 * MIB, policy);
	static void *blocks[4096];
	uint64_t random = 7;
	size_t i, round;
	struct stat status;
	void *one = memkind_malloc(kind, 1), *large;

	for (round = 0; round < 5000; round++) {
		i = next_random(&random) % 4096;
		memkind_free(NULL, blocks[i]);
		blocks[i] = memkind_malloc(kind, 1 + next_random(&random) % (round % 7 == 0 ? 200000 : 20000));
		CHECK(blocks[i] != NULL);
		CHECK(fstat(pmem(kind)->fd, &status) == 0 && (size_t)status.st_size <= 256 * MIB);
	}
	for (i = 0; i < 4096; i++)
		memkind_free(kind, blocks[i]);
	large = memkind_malloc(kind, 100 * MIB);
	CHECK(large != NULL);
	memkind_free(kind, large);
	large = memkind_malloc(kind, 250 * MIB);
	CHECK(large != NULL);
	memkind_free(kind, large);
	memkind_free(kind, one);
	CHECK(memkind_malloc(kind, 256 * MIB) != NULL);
	CHECK(fstat(pmem(kind)->fd, &status) == 0 && (size_t)status.st_size <= 256 * MIB);
	memkind_destroy_kind(kind);
}

struct idle {
	memkind_t kind;
	pthread_barrier_t *barrier;
};

static void *idle(void *argument)
{
	const struct idle *idle = argument;
	void *blocks[2000];
	size_t i, round;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 2000; i++)
			blocks[i] = memkind_malloc(idle->kind, 16 + i * 37 % 3000);
		for (i = 0; i < 2000; i++)
			memkind_free(NULL, blocks[i]);
	}
	pthread_barrier_wait(idle->barrier);
	pthread_barrier_wait(idle->barrier); /* with what it has kept */
	return NULL;
}

/* What threads keep that do nothing now is given back before a block is refused. */
static void kept_by_idle_threads(memkind_mem_usage_policy policy)
{
	memkind_t kind = create_with("/dev/shm", 32 * MIB, policy);
	pthread_barrier_t barrier;
	struct idle shared = {kind, &barrier};
	pthread_t threads[4];
	void *block;
	int i;

	pthread_barrier_init(&barrier, NULL, 5);
	for (i = 0; i < 4; i++)
		require(pthread_create(&threads[i], NULL, idle, &shared) == 0, "pthread_create");
	pthread_barrier_wait(&barrier);
	block = memkind_malloc(kind, 32 * MIB);
	CHECK(block != NULL);
	CHECK_CALL(memkind_malloc(kind, 1), NULL, ENOMEM);
	memkind_free(kind, block);
	pthread_barrier_wait(&barrier);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
}

/* Down to the last page, by ever smaller blocks, each the largest that fits. */
static void to_the_last_page(void)
{
	memkind_t kind = create(16 * MIB);
	size_t size = 32 * MIB, sum = 0;
	int i;

	while (size >= 4 * KIB) {
		void *block = memkind_malloc(kind, size);
		if (block == NULL) {
			size--;
			continue;
		}
		sum += memkind_malloc_usable_size(kind, block);
	}
	CHECK(sum == 16 * MIB);
	for (i = 0; i < 1000000; i++)
		if (memkind_malloc(kind, 1 + (size_t)i % (8 * MIB)) != NULL)
			break;
	CHECK(i == 1000000);
	memkind_destroy_kind(kind);
}

static size_t fill(memkind_t kind, size_t size, void **blocks, size_t most)
{
	size_t count = 0;
	while (count < most && (blocks[count] = memkind_malloc(kind, size)) != NULL)
		count++;
	return count;
}

/* Filled and emptied many times over, as much fits as at first. */
static void refilled(memkind_mem_usage_policy policy)
{
	memkind_t kind = create_with("/dev/shm", 16 * MIB, policy);
	static void *blocks[70000];
	const size_t sizes[] = {256, 4096, 100000, 1000000};
	size_t first[4], i, j, round, count;

	for (round = 0; round < 4; round++) {
		for (i = 0; i < 4; i++) {
			count = fill(kind, sizes[i], blocks, 70000);
			if (round == 0)
				first[i] = count;
			CHECK(count * 100 >= first[i] * (i < 2 ? 98 : 75));
			for (j = 0; j < count; j++) /* each once, for no count is a multiple of this */
				memkind_free(NULL, blocks[(j * 7919) % count]);
		}
	}
	CHECK(first[0] == 65536 && first[1] == 4096);
	CHECK(first[2] >= 140 && first[3] >= 12); /* of 163 and 16 */
	for (round = 0; round < 3000; round++) {
		void *block = memkind_malloc(kind, 10 + (round * 2654435761u) % (4 * MIB));
		CHECK(block != NULL);
		memkind_free(kind, block);
	}
	memkind_destroy_kind(kind);
}

/* A file system that is full is ENOMEM, and so are the limits on files; what is there stays whole. */
static int small_files(void *argument)
{
	memkind_t kind;
	char *block;
	struct rlimit limit = {20 * MIB, 20 * MIB};
	require(setrlimit(RLIMIT_FSIZE, &limit) == 0, "setrlimit");
	(void)argument;
	kind = create(0);
	block = memkind_malloc(kind, 1 * MIB);
	CHECK(block != NULL);
	memset(block, 1, 1 * MIB);
	CHECK_CALL(memkind_malloc(kind, 30 * MIB), NULL, ENOMEM);
	CHECK(memkind_malloc(kind, 4 * MIB) != NULL && block[1 * MIB - 1] == 1);
	CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
	return ended();
}

/* Blocks of a program's own map are whole pages of the file. */
int memkind_pmem_get_mmap_flags(memkind_t kind, int *flags);
void *memkind_pmem_mmap(memkind_t kind, void *address, size_t size);

static void mapped(void)
{
	memkind_t kind = create(16 * MIB);
	int flags = 0;
	char *pages = memkind_pmem_mmap(kind, NULL, 10000);
	size_t i;

	CHECK(pages != MAP_FAILED && (uintptr_t)pages % 4096 == 0 && memkind_detect_kind(pages) == kind);
	for (i = 0; i < 10000; i++)
		CHECK(pages[i] == 0);
	CHECK_CALL(memkind_pmem_mmap(kind, NULL, 17 * MIB), MAP_FAILED, ENOMEM);
	CHECK_CALL(memkind_pmem_mmap(kind, NULL, 0), MAP_FAILED, EINVAL);
	CHECK(memkind_pmem_get_mmap_flags(kind, &flags) == 0 && flags == MAP_SHARED);
	memkind_free(kind, pages);
	CHECK(number(kind, MEMKIND_STAT_TYPE_ALLOCATED) == 0);
	memkind_destroy_kind(kind);
}

int main(void)
{
	size_t i;
	for (i = 0; i < 2; i++) {
		int tries = 10; /* others use the file system, too */
		while (!taken_ahead(directories[i]) && --tries > 0)
			;
		CHECK(tries > 0);
		at_once(directories[i]);
	}
	limit_counts_live(MEMKIND_MEM_USAGE_POLICY_DEFAULT);
	limit_counts_live(MEMKIND_MEM_USAGE_POLICY_CONSERVATIVE);
	kept_by_idle_threads(MEMKIND_MEM_USAGE_POLICY_DEFAULT);
	kept_by_idle_threads(MEMKIND_MEM_USAGE_POLICY_CONSERVATIVE);
	to_the_last_page();
	refilled(MEMKIND_MEM_USAGE_POLICY_DEFAULT);
	refilled(MEMKIND_MEM_USAGE_POLICY_CONSERVATIVE);
	CHECK(status_of_child(small_files, NULL) == 0);
	mapped();
	return ended();
}
