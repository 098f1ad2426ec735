/* vmem_realloc(): contents, growing and shrinking in a full pool, the special cases. */
#include "test.h"

static void pattern(unsigned char *bytes, size_t size)
{
	size_t i;
	for (i = 0; i < size; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 251);
}

static int holds(const unsigned char *bytes, size_t size)
{
	size_t i;
	for (i = 0; i < size; i++)
		if (bytes[i] != (unsigned char)(i * 7 + i / 251))
			return 0;
	return 1;
}

static void contents(VMEM *pool)
{
	static const size_t sizes[] = { 1, 8, 9, 100, 5000, 4000, 100000, 3 * MIB, 50000, 70, 6 * MIB, 6 * MIB, 3 };
	unsigned char *block = vmem_realloc(pool, NULL, 1), *again;
	size_t i, held = 1;

	require(block != NULL, "vmem_realloc");
	pattern(block, 1);
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		block = vmem_realloc(pool, block, sizes[i]);
		require(block != NULL, "vmem_realloc");
		CHECK(holds(block, held < sizes[i] ? held : sizes[i]));
		pattern(block, sizes[i]);
		held = sizes[i];
		CHECK(vmem_check(pool) == 1);
	}
	again = vmem_realloc(pool, block, 2);
	CHECK(again == block); /* the same size class */
	vmem_free(pool, again);
}

static void special(VMEM *pool)
{
	char *block = vmem_malloc(pool, 100);
	char local;

	CHECK_ERRNO_KEPT(CHECK(vmem_realloc(pool, block, 0) == NULL));
	block = vmem_realloc(pool, NULL, 0);
	CHECK(block != NULL && vmem_malloc_usable_size(pool, block) == 8);
	strcpy(block, "sixteen");
	CHECK_REFUSED(vmem_realloc(pool, block, SIZE_MAX), ENOMEM, "");
	CHECK_REFUSED(vmem_realloc(pool, block, 14 * MIB), ENOMEM, "");
	CHECK(strcmp(block, "sixteen") == 0);
	CHECK_REFUSED(vmem_realloc(pool, &local, 100), EINVAL, "not in the pool");
	vmem_free(pool, block);
}

/* In a pool without any room a block can still be made smaller, small ones too. */
static void full(VMEM *pool)
{
	char *large = vmem_malloc(pool, 2 * MIB), *small = vmem_malloc(pool, 1000), *shrunk;

	require(large != NULL && small != NULL, "vmem_malloc");
	while (vmem_malloc(pool, 4096) != NULL)
		;
	while (vmem_malloc(pool, 8) != NULL)
		;
	memcpy(small, "small", 6);
	shrunk = vmem_realloc(pool, small, 20);
	CHECK(shrunk != NULL && strcmp(shrunk, "small") == 0);
	memcpy(large, "large", 6);
	CHECK_REFUSED(vmem_realloc(pool, large, 3 * MIB), ENOMEM, "");
	CHECK(strcmp(large, "large") == 0);
	shrunk = vmem_realloc(pool, large, MIB);
	CHECK(shrunk == large);
	/* And what it gave up is there for others, and for itself. */
	CHECK(vmem_realloc(pool, large, 2 * MIB) == large);
	CHECK(vmem_realloc(pool, large, MIB) == large);
	CHECK(vmem_malloc(pool, MIB) != NULL);
	CHECK(vmem_check(pool) == 1);
}

int main(void)
{
	VMEM *pool = create(VMEM_MIN_POOL);

	contents(pool);
	special(pool);
	full(pool);
	vmem_delete(pool);
	return ended();
}
