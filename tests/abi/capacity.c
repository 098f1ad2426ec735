/* How much of a pool can be allocated: blocks of one size until the first NULL, in new pools. */
#include "test.h"

static void *memory;

/* Blocks of one size that a new pool on memory of our own holds; `usable` is what one can be used for. */
static size_t count(size_t pool_size, size_t size, size_t *usable)
{
	VMEM *pool = vmem_create_in_region(memory, pool_size);
	size_t found = 0;
	void *block, *last = NULL;

	require(pool != NULL, "vmem_create_in_region");
	for (; (block = vmem_malloc(pool, size)) != NULL; found++)
		last = block;
	*usable = last == NULL ? 0 : vmem_malloc_usable_size(pool, last);
	vmem_delete(pool);
	return found;
}

static void expect_part(size_t pool_size, size_t size, int percent, int of_usable)
{
	size_t usable, blocks = count(pool_size, size, &usable);
	size_t bytes = blocks * (of_usable ? usable : size);

	if (bytes < pool_size / 100 * (size_t)percent)
		printf("%zu blocks of %zu bytes in %zu MiB: %.2f %%\n", blocks, size, pool_size / MIB, 100.0 * (double)bytes / (double)pool_size);
	CHECK(bytes >= pool_size / 100 * (size_t)percent);
}

static void smallest(void)
{
	static const size_t classes[] = { 8, 16, 64, 256, 4096, 65536 }, between[] = { 24, 100, 1000, 4097 };
	size_t i, usable;

	for (i = 0; i < sizeof classes / sizeof *classes; i++)
		expect_part(14 * MIB, classes[i], 96, 0);
	for (i = 0; i < sizeof between / sizeof *between; i++)
		expect_part(14 * MIB, between[i], 96, 1);
	CHECK(count(14 * MIB, MIB, &usable) >= 13);
	CHECK(count(14 * MIB, 3 * MIB, &usable) >= 4);
	CHECK(count(14 * MIB, 8 * MIB, &usable) >= 1);
	CHECK(count(14 * MIB, 13 * MIB + MIB / 2, &usable) == 1);
}

/* The same of a pool on a file, whose first page is protected. */
static void on_a_file(void)
{
	VMEM *pool = create(VMEM_MIN_POOL);
	size_t blocks = 0;
	void *block;

	CHECK((block = vmem_malloc(pool, 13 * MIB + MIB / 2)) != NULL);
	vmem_free(pool, block);
	while (vmem_malloc(pool, 65536) != NULL)
		blocks++;
	CHECK(blocks * 65536 >= VMEM_MIN_POOL / 100 * 96);
	vmem_delete(pool);
}

int main(void)
{
	static const size_t larger[] = { 64, 65, 200, 1024 };
	static const size_t classes[] = { 8, 16, 32, 48, 64, 112, 128, 256, 320, 512, 640, 1024, 1792, 2048, 4096, 5120, 8192, 10240,
		14336, 16384, 20480, 32768, 65536, 81920, 131072, 262144, 524288, 655360, 1048576 };
	static const size_t between[] = { 24, 100, 1000, 4097, 9000, 15000, 70000 };
	size_t i, k;

	memory = mmap(NULL, 1024 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	require(memory != MAP_FAILED, "mmap");
	smallest();
	on_a_file();
	for (i = 0; i < sizeof larger / sizeof *larger; i++) {
		for (k = 0; k < sizeof classes / sizeof *classes; k++)
			if (larger[i] <= 200 || classes[k] >= 64) /* a hundred million blocks take a second */
				expect_part(larger[i] * MIB, classes[k], 98, 0);
		for (k = 0; k < sizeof between / sizeof *between; k++)
			if (larger[i] <= 200 || between[k] >= 64)
				expect_part(larger[i] * MIB, between[k], 98, 1);
	}
	return ended();
}
