/* vmemx_walk(): what is live, no more and no less; at work; and what a visitor may do. */
#include "extension.h"

#include <sched.h>

enum { BLOCKS = 30000 };

static struct block {
	void *address;
	size_t size;
	int seen;
} live[BLOCKS];
static size_t live_count;
static VMEM *pool;
static int stop;

static int by_address(const void *left, const void *right)
{
	uintptr_t a = (uintptr_t)((const struct block *)left)->address, b = (uintptr_t)((const struct block *)right)->address;

	return a < b ? -1 : a > b;
}

static struct block *known(void *address)
{
	struct block wanted;

	wanted.address = address;
	return bsearch(&wanted, live, live_count, sizeof *live, by_address);
}

struct sight {
	size_t blocks, strangers, bytes;
	int answer_at, frees, deletes;
};

static int visit(void *block, size_t size, void *argument)
{
	struct sight *sight = argument;
	struct block *found = known(block);

	sight->blocks++;
	sight->bytes += size;
	if (found == NULL)
		sight->strangers++;
	else {
		CHECK(found->size == size);
		found->seen++;
	}
	if (sight->frees) {
		vmem_free(pool, block);
		if (sight->blocks % 3 == 0)
			vmem_free(pool, vmem_malloc(pool, size));
	}
	if (sight->deletes)
		vmem_delete(pool);
	return sight->answer_at == (int)sight->blocks ? 77 : 0;
}

static struct sight walk(int expected)
{
	struct sight sight = { 0, 0, 0, 0, 0, 0 };
	size_t i;

	for (i = 0; i < live_count; i++)
		live[i].seen = 0;
	CHECK(vmemx_walk(pool, visit, &sight) == expected);
	for (i = 0; i < live_count; i++)
		CHECK(live[i].seen == 1);
	return sight;
}

static void fill(void)
{
	unsigned seed = 5;
	size_t i;

	live_count = 0;
	for (i = 0; i < BLOCKS; i++) {
		size_t size = 1 + (seed = seed * 1103515245 + 12345) % (i % 300 == 0 ? 100000 : 600);
		void *block = vmem_malloc(pool, size), *gone = vmem_malloc(pool, size / 2 + 1);

		require(block != NULL && gone != NULL, "vmem_malloc");
		live[live_count].address = block;
		live[live_count++].size = vmemx_sallocx(pool, block, 0);
		vmem_free(pool, gone);
	}
	qsort(live, live_count, sizeof *live, by_address);
}

static void *work(void *unused)
{
	void *own[50] = { NULL };
	unsigned seed = 9;
	int i;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		i = (int)((seed = seed * 1103515245 + 12345) >> 16) % 50;
		i = i < 0 ? -i : i;
		vmem_free(pool, own[i]);
		own[i] = vmem_malloc(pool, seed % 5000);
	}
	for (i = 0; i < 50; i++)
		vmem_free(pool, own[i]);
	return unused;
}

static int count(void *block, size_t size, void *argument)
{
	(void)block;
	(void)size;
	__atomic_add_fetch((size_t *)argument, 1, __ATOMIC_RELAXED);
	return 0;
}

/* Deletes the pool and unmaps its memory as soon as the walk has begun. */
static void *end_it(void *argument)
{
	while (__atomic_load_n((size_t *)argument, __ATOMIC_RELAXED) == 0)
		sched_yield();
	vmem_delete(pool);
	munmap(pool, 32 * MIB);
	return NULL;
}

static void deleted_meanwhile(void)
{
	struct vmemx_options options = VMEMX_OPTIONS_INIT;
	int round, result, i;

	for (round = 0; round < 20; round++) {
		size_t seen = 0;
		pthread_t thread;

		options.region = mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		options.size = 32 * MIB;
		require(options.region != MAP_FAILED, "mmap");
		pool = vmemx_create(&options);
		require(pool != NULL, "vmemx_create");
		for (i = 0; i < 60000; i++)
			require(vmem_malloc(pool, 300) != NULL, "vmem_malloc");
		require(pthread_create(&thread, NULL, end_it, &seen) == 0, "pthread_create");
		errno = 0;
		result = vmemx_walk(pool, count, &seen);
		CHECK((result == 0 && seen == 60000) || (result == -1 && errno == EINVAL && seen < 60000));
		pthread_join(thread, NULL);
	}
}

static int child(void *unused)
{
	struct sight sight = { 0, 0, 0, 0, 0, 0 };

	(void)unused;
	errno = 0;
	CHECK(vmemx_walk(pool, visit, &sight) == -1 && errno == EBADF && sight.blocks == 0);
	errno = 0;
	CHECK(vmemx_trim(pool) == -1 && errno == EBADF);
	return ended();
}

int main(void)
{
	static const char *const levels[] = { "hardening:0", "hardening:1", "hardening:2", "hardening:3" };
	struct sight sight = { 0, 0, 0, 0, 0, 0 };
	pthread_t threads[2];
	size_t i;

	for (i = 0; i < 4; i++) {
		pool = create_private(128 * MIB, levels[i]);
		live_count = 0;
		sight = walk(0);
		CHECK(sight.blocks == 0);
		fill();
		sight = walk(0);
		CHECK(sight.blocks == live_count && sight.strangers == 0);
		CHECK(i == 3 || sight.bytes == number(pool, "stats.allocated"));
		CHECK(vmem_check(pool) == 1);
		vmem_delete(pool);
	}

	pool = create_private(128 * MIB, "hardening:1");
	fill();
	for (i = 0; i < 2; i++)
		require(pthread_create(&threads[i], NULL, work, NULL) == 0, "pthread_create");
	for (i = 0; i < 20; i++)
		walk(0);
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);

	CHECK(status_of_child(child, NULL) == 0);
	memset(&sight, 0, sizeof sight);
	sight.answer_at = 12345;
	CHECK(vmemx_walk(pool, visit, &sight) == 77 && sight.blocks == 12345);
	memset(&sight, 0, sizeof sight);
	sight.frees = 1;
	errno = 4711;
	CHECK(vmemx_walk(pool, visit, &sight) == 0 && errno == 4711);
	CHECK(sight.blocks == live_count && number(pool, "stats.allocated") == 0);
	errno = 0;
	CHECK(vmemx_walk(pool, NULL, NULL) == -1 && errno == EINVAL && strstr(vmem_errormsg(), "no function") != NULL);
	live_count = 0;
	require(vmem_malloc(pool, 1) != NULL, "vmem_malloc");
	memset(&sight, 0, sizeof sight);
	sight.deletes = 1;
	CHECK(vmemx_walk(pool, visit, &sight) == -1 && errno == EINVAL && sight.blocks == 1);
	CHECK(vmemx_walk(pool, visit, &sight) == -1 && strstr(vmem_errormsg(), "invalid pool handle") != NULL);
	deleted_meanwhile();
	return ended();
}
