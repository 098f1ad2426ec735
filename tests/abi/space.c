/* Space comes back: after threads at work, from size to size, from every second block, and from blocks that shrink. */
#include "test.h"

static VMEM *pool;
static void **blocks;

static size_t fill(size_t size)
{
	size_t count = 0;

	while ((blocks[count] = vmem_malloc(pool, size)) != NULL)
		count++;
	return count;
}

static void drop(size_t count)
{
	while (count > 0)
		vmem_free(pool, blocks[--count]);
}

static void *churn(void *argument)
{
	unsigned seed = (unsigned)(uintptr_t)argument * 7919, i;
	void *live[200] = { NULL };

	for (i = 0; i < 60000; i++) {
		unsigned slot = (seed = seed * 1103515245 + 12345) >> 16 & 127;
		size_t size = (size_t)1 << (seed >> 9) % (slot < 4 ? 19 : 13);
		vmem_free(pool, live[slot]);
		live[slot] = vmem_malloc(pool, size + (seed >> 4) % size);
		if (live[slot] != NULL)
			*(char *)live[slot] = 1;
	}
	for (i = 0; i < 128; i++)
		vmem_free(pool, live[i]);
	return NULL;
}

/* One block of 97 % of the pool, each time; the last round's threads are idle meanwhile and not gone. */
static void after_churn(size_t size)
{
	int round;
	uintptr_t i;

	pool = create(size);
	for (round = 0; round < 3; round++) {
		pthread_t ids[6];
		void *whole;
		for (i = 0; i < 6; i++)
			require(pthread_create(&ids[i], NULL, churn, (void *)(i + 1)) == 0, "pthread_create");
		for (i = 0; i < 6; i++)
			pthread_join(ids[i], NULL);
		CHECK((whole = vmem_malloc(pool, size / 100 * 97)) != NULL);
		vmem_free(pool, whole);
		CHECK(vmem_check(pool) == 1);
	}
	vmem_delete(pool);
}

static void cycles(void)
{
	static const size_t sizes[] = { 64, 4096, MIB, 4 * MIB, 64 };
	size_t expected[5], i, round;

	pool = create(VMEM_MIN_POOL);
	for (round = 0; round < 3; round++)
		for (i = 0; i < 5; i++) {
			size_t count = fill(sizes[i]);
			if (round == 0)
				expected[i] = count;
			CHECK(count == expected[i]);
			drop(count);
		}
	CHECK(expected[0] == expected[4]);
	CHECK(expected[0] * 64 >= VMEM_MIN_POOL / 100 * 96);
	CHECK(expected[1] * 4096 >= VMEM_MIN_POOL / 100 * 96);
	CHECK(expected[2] == 13 && expected[3] == 3);
	vmem_delete(pool);
}

/* For every class up to 1 MiB: what every second block leaves serves again, all of it. */
static void every_second(void)
{
	size_t size, next, i, count, freed, again;

	pool = create(VMEM_MIN_POOL);
	for (size = 1; size <= MIB; size = next + 1) {
		count = fill(size);
		require(count > 0, "a pool has a block of every class");
		next = vmem_malloc_usable_size(pool, blocks[0]);
		for (i = freed = 0; i < count; i += 2, freed++) {
			vmem_free(pool, blocks[i]);
			blocks[i] = NULL;
		}
		for (again = 0; again < freed && (blocks[2 * again] = vmem_malloc(pool, size)) != NULL; again++)
			;
		if (again != freed)
			printf("%zu of %zu blocks of %zu bytes came back\n", again, freed, size);
		CHECK(again == freed);
		drop(count);
	}
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
}

/* In a pool without a free page. */
static void shrinking(void)
{
	size_t size, count, rest;
	char *block, *same;

	pool = create(VMEM_MIN_POOL);
	require((block = vmem_malloc(pool, 13 * MIB)) != NULL, "vmem_malloc");
	memset(block, 7, 13 * MIB);
	count = fill(4096);
	rest = count;
	while ((blocks[rest] = vmem_malloc(pool, 8)) != NULL)
		rest++;
	/* A large block stays where it is, whatever it becomes. */
	for (size = 13 * MIB; size > 14336; size = size * 9 / 10) {
		same = vmem_realloc(pool, block, size);
		CHECK(same == block);
		CHECK(vmem_malloc_usable_size(pool, block) >= size);
	}
	CHECK(block[0] == 7 && block[14336] == 7);
	/* What it left is free, and it grows into it again. */
	for (size = 16384; size <= 13 * MIB; size = size * 11 / 10)
		CHECK(vmem_realloc(pool, block, size) == block);
	/* Down to nothing much: full again, so nothing smaller is to be had elsewhere. */
	while (vmem_malloc(pool, 4096) != NULL || vmem_malloc(pool, 8) != NULL)
		;
	for (size = vmem_malloc_usable_size(pool, block); size > 0; size /= 3) {
		same = vmem_realloc(pool, block, size);
		CHECK(same != NULL && *same == 7);
		block = same != NULL ? same : block;
	}
	vmem_delete(pool);

	/* Small blocks too: in a pool that is full of them each can be made smaller. */
	for (size = 16; size <= 14336; size = size * 5 / 4) {
		size_t i;
		pool = create(VMEM_MIN_POOL);
		count = fill(size);
		while ((blocks[count] = vmem_malloc(pool, 8)) != NULL)
			count++;
		for (i = 0; i < 50; i++)
			CHECK(vmem_realloc(pool, blocks[i], 1 + size * i / 50) != NULL);
		CHECK(vmem_check(pool) == 1);
		vmem_delete(pool);
	}
}

static void growing(void)
{
	char *a, *b;
	size_t size;

	pool = create(VMEM_MIN_POOL);
	a = vmem_malloc(pool, 2 * MIB);
	b = vmem_malloc(pool, 2 * MIB);
	require(a != NULL && b != NULL, "vmem_malloc");
	if (b < a) {
		char *other = a;
		a = b;
		b = other;
	}
	vmem_free(pool, b);
	for (size = 2 * MIB; size <= 12 * MIB; size += MIB / 2)
		CHECK(vmem_realloc(pool, a, size) == a);
	CHECK(vmem_realloc(pool, a, 14 * MIB) == NULL && errno == ENOMEM);
	CHECK(vmem_malloc_usable_size(pool, a) == 12 * MIB);
	vmem_delete(pool);
}

int main(void)
{
	require((blocks = malloc(VMEM_MIN_POOL / 8 * sizeof *blocks)) != NULL, "malloc");
	after_churn(VMEM_MIN_POOL);
	after_churn(64 * MIB);
	cycles();
	every_second();
	shrinking();
	growing();
	return ended();
}
