/* vmem_malloc(): sizes, alignment, running out. */
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

/* Multiples of 4 KiB lie on pages, as programs that ask for pages expect. */
static void pages(VMEM *pool)
{
	size_t size, i;

	for (size = 4096; size <= 3 * MIB; size += size < 65536 ? 4096 : 65536) {
		char *blocks[3];
		for (i = 0; i < 3; i++) {
			blocks[i] = vmem_malloc(pool, size);
			CHECK(blocks[i] != NULL && (uintptr_t)blocks[i] % 4096 == 0);
		}
		for (i = 0; i < 3; i++)
			vmem_free(pool, blocks[i]);
	}
}

static void nothing(VMEM *pool)
{
	char *a = vmem_malloc(pool, 0), *b = vmem_malloc(pool, 0);

	CHECK(a != NULL && b != NULL && a != b);
	CHECK(vmem_malloc_usable_size(pool, a) == 8);
	vmem_free(pool, a);
	vmem_free(pool, b);
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

/* Where nothing large is left, small blocks still are, of every size that fits; the original had them by the class. */
static void near_full(VMEM *pool)
{
	size_t size;

	while (vmem_malloc(pool, MIB) != NULL)
		;
	/* Of 1020 KiB, with room for a slab of each small size. */
	for (size = MIB / 2; size >= 1; size = size == MIB / 2 ? MIB / 8 : size / 2)
		CHECK(vmem_malloc(pool, size) != NULL);
	CHECK(vmem_malloc(pool, 0) != NULL);
	CHECK(vmem_realloc(pool, NULL, 0) != NULL);
	CHECK(vmem_strdup(pool, "") != NULL);
}

int main(void)
{
	VMEM *pool = create(VMEM_MIN_POOL);

	sizes(pool);
	pages(pool);
	nothing(pool);
	too_much(pool);
	capacity(pool);
	near_full(pool);
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	return ended();
}
