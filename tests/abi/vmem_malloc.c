/* vmem_malloc() and vmem_free(): sizes, alignment, running out, wrong use. */
#include "test.h"

static void sizes(VMEM *pool)
{
	static const size_t classes[] = {
		8, 16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024,
		1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096,
	};
	size_t i, size;

	for (i = 0; i < sizeof classes / sizeof classes[0]; i++) {
		char *block = vmem_malloc(pool, classes[i]);
		CHECK(block != NULL);
		/* Never more than what the original would have used. */
		CHECK(vmem_malloc_usable_size(pool, block) == classes[i]);
		vmem_free(pool, block);
	}
	for (size = 0; size < 70000; size = size * 9 / 8 + 1) {
		char *block = vmem_malloc(pool, size);
		require(block != NULL, "vmem_malloc");
		CHECK((uintptr_t)block % (size <= 8 ? 8 : 16) == 0);
		CHECK(vmem_malloc_usable_size(pool, block) >= size);
		memset(block, 0x11, size);
		vmem_free(pool, block);
	}
}

static void nothing(VMEM *pool)
{
	char *a = vmem_malloc(pool, 0), *b = vmem_malloc(pool, 0);

	CHECK(a != NULL && b != NULL && a != b);
	CHECK(vmem_malloc_usable_size(pool, a) == 8);
	CHECK_ERRNO_KEPT(vmem_free(pool, a));
	CHECK_ERRNO_KEPT(vmem_free(pool, b));
	CHECK_ERRNO_KEPT(vmem_free(pool, NULL));
}

/* Too much is ENOMEM, and says nothing. */
static void too_much(VMEM *pool)
{
	static const size_t sizes[] = { VMEM_MIN_POOL, VMEM_MIN_POOL + 1, 1u << 31, PTRDIFF_MAX, SIZE_MAX - 4096, SIZE_MAX };
	size_t i;

	CHECK(vmem_create("/missing", VMEM_MIN_POOL) == NULL);
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		CHECK_REFUSED(vmem_malloc(pool, sizes[i]), ENOMEM, "open: No such file or directory");
}

/* Fills the pool, empties it, fills it again with another size: no block overlaps another, nothing is lost. */
static size_t fill(VMEM *pool, size_t size, char **blocks, size_t most)
{
	size_t count, i;

	for (count = 0; count < most; count++) {
		errno = 0;
		blocks[count] = vmem_malloc(pool, size);
		if (blocks[count] == NULL)
			break;
		memset(blocks[count], (int)(count & 0xff), size);
	}
	CHECK(errno == ENOMEM);
	for (i = 0; i < count; i++)
		if ((unsigned char)blocks[i][0] != (i & 0xff) || (unsigned char)blocks[i][size - 1] != (i & 0xff)) {
			CHECK(!"a block keeps its bytes");
			break;
		}
	return count;
}

static void capacity(VMEM *pool)
{
	static const struct { size_t size, least; } rows[] = {
		{ 64, 14 * MIB / 64 * 95 / 100 }, { 4096, 14 * 256 * 95 / 100 }, { 64 << 10, 14 * 16 * 95 / 100 },
		{ MIB, 13 }, { 4 * MIB, 3 }, { 100, 14 * MIB / 112 * 95 / 100 }, { 64, 14 * MIB / 64 * 95 / 100 },
	};
	char **blocks = malloc(14 * MIB / 8 * sizeof *blocks);
	size_t row, i;

	require(blocks != NULL, "malloc");
	for (row = 0; row < sizeof rows / sizeof rows[0]; row++) {
		size_t count = fill(pool, rows[row].size, blocks, 14 * MIB / 8);
		if (count < rows[row].least)
			printf("%zu blocks of %zu bytes, at least %zu are expected\n", count, rows[row].size, rows[row].least);
		CHECK(count >= rows[row].least);
		for (i = 0; i < count; i++)
			vmem_free(pool, blocks[i]);
	}
	free(blocks);
	CHECK(vmem_check(pool) == 1);
}

/* Wrong addresses are ignored and reported, and do no harm. */
static void wrong(VMEM *pool, VMEM *other)
{
	char *block = vmem_malloc(pool, 100), *large = vmem_malloc(pool, MIB), *foreign = vmem_malloc(other, 64);
	char local;

	CHECK_ERRNO_KEPT(vmem_free(pool, &local));
	CHECK(strstr(vmem_errormsg(), "not in the pool") != NULL);
	CHECK_ERRNO_KEPT(vmem_free(pool, foreign));
	CHECK_ERRNO_KEPT(vmem_free(pool, (char *)pool));
	CHECK_ERRNO_KEPT(vmem_free(pool, (char *)pool + 13 * MIB));
	CHECK_ERRNO_KEPT(vmem_free(pool, large + 4096));
	CHECK_ERRNO_KEPT(vmem_free(pool, large + 1));
	CHECK_ERRNO_KEPT(vmem_free(pool, block + 1));
	CHECK_ERRNO_KEPT(vmem_free(pool, (void *)8));
	CHECK_ERRNO_KEPT(vmem_free(pool, (void *)UINTPTR_MAX));
	CHECK(vmem_malloc_usable_size(other, foreign) == 64);
	CHECK(vmem_check(pool) == 1 && vmem_check(other) == 1);
	vmem_free(pool, large);
	vmem_free(pool, large);
	CHECK(vmem_check(pool) == 1);
	vmem_free(pool, block);
	vmem_free(other, foreign);
}

int main(void)
{
	VMEM *pool = create(VMEM_MIN_POOL), *other = create(VMEM_MIN_POOL);

	sizes(pool);
	nothing(pool);
	too_much(pool);
	capacity(pool);
	wrong(pool, other);
	CHECK(vmem_check(pool) == 1 && vmem_check(other) == 1);
	vmem_delete(pool);
	vmem_delete(other);
	return ended();
}
