/*
 * Everything at once: threads allocate, resize and free each other's blocks in kinds of all sorts, roomy and tight, while others
 * make and end kinds, fork, and look at numbers. Seconds are the argument: `deno task stress:kinds 300`.
 */
#include "test.h"

#define SLOTS 3000
#define WORKERS 4
#define KINDS 6

static memkind_t kinds[KINDS];
static const size_t limits[KINDS] = {512 * MIB, 512 * MIB, 24 * MIB, 24 * MIB, 32 * MIB, 0};
static int stop;

struct slot {
	int busy;
	unsigned char *block;
	size_t size;
	unsigned char filled;
};
static struct slot slots[SLOTS];

static int running(void)
{
	return !__atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static void fill(struct slot *slot, unsigned char with)
{
	slot->filled = with;
	memset(slot->block, with, slot->size < 4096 ? slot->size : 4096);
	slot->block[slot->size - 1] = with;
}

static int whole(const struct slot *slot, size_t size)
{
	size_t i;
	for (i = 0; i < size && i < 4096; i += 97)
		if (slot->block[i] != slot->filled)
			return 0;
	return slot->block[size - 1 < 4096 || size == slot->size ? size - 1 : 4095] == slot->filled;
}

static size_t some_size(uint64_t *random)
{
	unsigned dice = next_random(random) % 1000;
	unsigned most = dice < 900 ? 1024 : dice < 990 ? 40000 : dice < 999 ? 500000 : 3000000;
	return 1 + next_random(random) % most;
}

static void give(struct slot *slot, uint64_t *random)
{
	memkind_t owner = memkind_detect_kind(slot->block);
	CHECK(owner != NULL && whole(slot, slot->size));
	CHECK(memkind_malloc_usable_size(NULL, slot->block) >= slot->size);
	/* As the contract lets it: by its kind, by none, by another. */
	memkind_free(next_random(random) % 3 == 0 ? NULL : next_random(random) % 4 == 0 ? kinds[0] : owner, slot->block);
	slot->block = NULL;
}

static void take(struct slot *slot, uint64_t *random)
{
	memkind_t kind = kinds[next_random(random) % KINDS];
	unsigned how = next_random(random) % 10;
	size_t alignment = (size_t)8 << next_random(random) % 14;
	void *block = NULL;

	slot->size = some_size(random);
	if (how == 0) {
		if (memkind_posix_memalign(kind, &block, alignment, slot->size) == 0)
			CHECK((uintptr_t)block % alignment == 0);
	} else if (how == 1) {
		const unsigned char *zero = block = memkind_calloc(kind, 1, slot->size);
		CHECK(zero == NULL || (zero[0] == 0 && zero[slot->size / 2] == 0 && zero[slot->size - 1] == 0));
	} else
		block = memkind_malloc(kind, slot->size);
	slot->block = block;
	if (block == NULL)
		return;
	CHECK(memkind_detect_kind(block) == kind);
	fill(slot, (unsigned char)next_random(random));
}

static void resize(struct slot *slot, uint64_t *random)
{
	size_t size = some_size(random), kept = size < slot->size ? size : slot->size;
	memkind_t owner = memkind_detect_kind(slot->block);
	void *block = memkind_realloc(next_random(random) % 2 ? owner : NULL, slot->block, size);

	if (block == NULL)
		return;
	slot->block = block;
	CHECK(memkind_detect_kind(block) == owner);
	if (kept <= 4096)
		CHECK(whole(slot, kept));
	slot->size = size;
	fill(slot, slot->filled);
}

static void *work(void *argument)
{
	uint64_t random = (uint64_t)(uintptr_t)argument;

	while (running()) {
		struct slot *slot = &slots[next_random(&random) % SLOTS];
		void *moved;
		if (__atomic_exchange_n(&slot->busy, 1, __ATOMIC_ACQUIRE))
			continue;
		if (slot->block == NULL)
			take(slot, &random);
		else if (next_random(&random) % 8 == 0)
			resize(slot, &random);
		else if (next_random(&random) % 8 == 0) {
			moved = memkind_defrag_reallocate(NULL, slot->block);
			if (moved != NULL)
				slot->block = moved;
			CHECK(whole(slot, slot->size));
		} else
			give(slot, &random);
		__atomic_store_n(&slot->busy, 0, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Threads that come and go, and kinds that live for a moment, some of them with blocks. */
static void *moment(void *argument)
{
	memkind_free(NULL, argument);
	memkind_free(kinds[1], memkind_malloc(kinds[1], 100));
	return memkind_malloc(kinds[0], 100);
}

static void *come_and_go(void *argument)
{
	uint64_t random = 99;
	(void)argument;
	while (running()) {
		memkind_t kind = create_with("/dev/shm", next_random(&random) % 2 ? 0 : 16 * MIB, next_random(&random) % 2 ? MEMKIND_MEM_USAGE_POLICY_CONSERVATIVE : MEMKIND_MEM_USAGE_POLICY_DEFAULT);
		void *block = memkind_malloc(kind, some_size(&random)), *result;
		pthread_t thread;
		CHECK(block != NULL && memkind_detect_kind(block) == kind);
		if (pthread_create(&thread, NULL, moment, block) == 0) {
			pthread_join(thread, &result);
			memkind_free(NULL, result);
		}
		CHECK(memkind_malloc(kind, 1000) != NULL);
		CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
	}
	return NULL;
}

static void ignore(void *argument, const char *text)
{
	(void)argument;
	(void)text;
}

/* A file is never longer than its kind's limit, and what is live fits it. */
static void *look(void *argument)
{
	size_t i, value, round = 0;
	(void)argument;
	while (running()) {
		CHECK(memkind_update_cached_stats() == MEMKIND_SUCCESS);
		for (i = 0; i < 4; i++) {
			struct stat status;
			CHECK(fstat(pmem(kinds[i])->fd, &status) == 0 && (size_t)status.st_size <= limits[i]);
			CHECK(memkind_get_stat(kinds[i], MEMKIND_STAT_TYPE_ALLOCATED, &value) == MEMKIND_SUCCESS && value <= limits[i]);
			CHECK(memkind_get_stat(kinds[i], MEMKIND_STAT_TYPE_RESIDENT, &value) == MEMKIND_SUCCESS && value <= limits[i]);
		}
		if (round++ % 50 == 0)
			CHECK(memkind_stats_print(ignore, NULL, round % 100 ? 0 : MEMKIND_STAT_PRINT_JSON_FORMAT) == MEMKIND_SUCCESS);
		usleep(2000);
	}
	return NULL;
}

/* A child sees the parent's files and none of its kinds. */
static void in_child(void)
{
	char *block;
	alarm(60);
	errno = 0;
	if (memkind_malloc(kinds[0], 100) != NULL || errno != EBADF)
		_exit(2);
	block = memkind_malloc(MEMKIND_DEFAULT, 1000);
	if (block == NULL)
		_exit(3);
	memkind_free(NULL, block);
	_exit(0);
}

static void live(double length)
{
	double end = seconds() + length;
	pthread_t threads[WORKERS + 2];
	size_t i;

	for (i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(i + 1));
	pthread_create(&threads[WORKERS], NULL, come_and_go, NULL);
	pthread_create(&threads[WORKERS + 1], NULL, look, NULL);
	while (seconds() < end) {
		int status = -1;
		pid_t child = fork();
		if (child == 0)
			in_child();
		CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
		usleep(50000);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < WORKERS + 2; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	double length = argc > 1 ? atof(argv[1]) : 2;
	char *memory = mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t random = 5;
	size_t i;

	for (i = 0; i < 4; i++)
		kinds[i] = create_with("/dev/shm", limits[i], i % 2 ? MEMKIND_MEM_USAGE_POLICY_CONSERVATIVE : MEMKIND_MEM_USAGE_POLICY_DEFAULT);
	require(memory != MAP_FAILED && memkind_create_fixed(memory, 32 * MIB, &kinds[4]) == MEMKIND_SUCCESS, "memkind_create_fixed");
	kinds[5] = MEMKIND_DEFAULT;
	live(length);
	for (i = 0; i < SLOTS; i++)
		if (slots[i].block != NULL)
			give(&slots[i], &random);
	for (i = 0; i < KINDS; i++)
		CHECK(number(kinds[i], MEMKIND_STAT_TYPE_ALLOCATED) == 0);
	/* Whatever threads have kept, all of the limit is there for one block. */
	for (i = 0; i < 5; i++)
		CHECK(memkind_malloc(kinds[i], limits[i]) != NULL);
	for (i = 0; i < 5; i++)
		CHECK(memkind_destroy_kind(kinds[i]) == MEMKIND_SUCCESS);
	return ended();
}
