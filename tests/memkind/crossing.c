/* Blocks that one thread allocates and another frees, in kinds of all sorts, with churn beside it: the pattern at which the
 * original crashes. Every block is filled, and looked at before it is freed. */
#include "test.h"

#define SLOTS 4096

struct ring {
	memkind_t kind;
	void *volatile slots[SLOTS];
	size_t count;
};

static void fill(unsigned char *block, size_t size)
{
	memset(block, (int)(size % 251), size);
}

static int whole(const unsigned char *block, size_t size)
{
	return block[0] == size % 251 && block[size / 2] == size % 251 && block[size - 1] == size % 251;
}

static void *producer(void *argument)
{
	struct ring *ring = argument;
	uint64_t random = 1;
	size_t i;

	for (i = 0; i < ring->count; i++) {
		void *volatile *slot = &ring->slots[i % SLOTS];
		size_t size = 16 + next_random(&random) % (i % 100 == 0 ? 300000 : 1000);
		size_t *block;
		while (__atomic_load_n(slot, __ATOMIC_ACQUIRE) != NULL)
			sched_yield();
		while ((block = memkind_malloc(ring->kind, size)) == NULL)
			sched_yield();
		fill((unsigned char *)block, size);
		block[0] = size;
		((unsigned char *)block)[0] = (unsigned char)size;
		__atomic_store_n(slot, block, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void *consumer(void *argument)
{
	struct ring *ring = argument;
	size_t i;

	for (i = 0; i < ring->count; i++) {
		void *volatile *slot = &ring->slots[i % SLOTS];
		size_t *block;
		size_t size;
		while ((block = __atomic_load_n(slot, __ATOMIC_ACQUIRE)) == NULL)
			sched_yield();
		size = block[0];
		CHECK(size >= 16 && size <= memkind_malloc_usable_size(ring->kind, block));
		CHECK(((unsigned char *)block)[size - 1] == size % 251 || size <= 8);
		memkind_free(i % 3 == 0 ? NULL : ring->kind, block);
		__atomic_store_n(slot, NULL, __ATOMIC_RELEASE);
	}
	return NULL;
}

struct churn {
	memkind_t kind;
	uint64_t random;
	size_t rounds;
};

static void *churner(void *argument)
{
	struct churn *churn = argument;
	static _Thread_local struct {
		unsigned char *at;
		size_t size;
	} blocks[512];
	size_t i, round;

	memset(blocks, 0, sizeof(blocks));
	for (round = 0; round < churn->rounds; round++) {
		i = next_random(&churn->random) % 512;
		if (blocks[i].at != NULL) {
			CHECK(whole(blocks[i].at, blocks[i].size));
			memkind_free(churn->kind, blocks[i].at);
		}
		blocks[i].size = 1 + next_random(&churn->random) % (round % 50 == 0 ? 200000 : 2000);
		blocks[i].at = memkind_malloc(churn->kind, blocks[i].size);
		if (blocks[i].at != NULL)
			fill(blocks[i].at, blocks[i].size);
	}
	for (i = 0; i < 512; i++)
		memkind_free(NULL, blocks[i].at);
	return NULL;
}

static void run(memkind_t kind, size_t count)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	struct churn churns[2] = {{kind, 3, count}, {kind, 4, count}};
	pthread_t threads[4];
	int i;

	ring->kind = kind;
	ring->count = count;
	pthread_create(&threads[0], NULL, producer, ring);
	pthread_create(&threads[1], NULL, consumer, ring);
	pthread_create(&threads[2], NULL, churner, &churns[0]);
	pthread_create(&threads[3], NULL, churner, &churns[1]);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK(number(kind, MEMKIND_STAT_TYPE_ALLOCATED) == 0);
	free(ring);
}

static void many_kinds_at_once(void)
{
	memkind_t kinds[8];
	void *blocks[8][100];
	size_t i, j, round;

	for (i = 0; i < 8; i++)
		kinds[i] = create_with("/dev/shm", 0, i % 2 ? MEMKIND_MEM_USAGE_POLICY_CONSERVATIVE : MEMKIND_MEM_USAGE_POLICY_DEFAULT);
	for (round = 0; round < 30; round++) {
		for (i = 0; i < 8; i++)
			for (j = 0; j < 100; j++)
				blocks[i][j] = memkind_malloc(kinds[i], 1 + (i * 977 + j * 631) % 9000);
		for (j = 0; j < 100; j++)
			for (i = 0; i < 8; i++) {
				CHECK(memkind_detect_kind(blocks[i][j]) == kinds[i]);
				memkind_free(kinds[(i + round) % 8], blocks[i][j]);
			}
	}
	for (i = 0; i < 8; i++) {
		CHECK(number(kinds[i], MEMKIND_STAT_TYPE_ALLOCATED) == 0);
		memkind_destroy_kind(kinds[i]);
	}
}

int main(int argc, char **argv)
{
	/* An argument makes it longer. */
	size_t count = argc > 1 ? (size_t)atol(argv[1]) : 60000;
	memkind_t kind = create_with("/dev/shm", 512 * MIB, MEMKIND_MEM_USAGE_POLICY_DEFAULT);
	memkind_t frugal = create_with("/dev/shm", 512 * MIB, MEMKIND_MEM_USAGE_POLICY_CONSERVATIVE);
	memkind_t tight = create_with("/dev/shm", 48 * MIB, MEMKIND_MEM_USAGE_POLICY_DEFAULT);

	run(kind, count);
	run(frugal, count / 2);
	run(tight, count);
	run(MEMKIND_DEFAULT, count);
	many_kinds_at_once();
	memkind_destroy_kind(kind);
	memkind_destroy_kind(frugal);
	memkind_destroy_kind(tight);
	return ended();
}
