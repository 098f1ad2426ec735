/* malloc and its family in a kind: what they return where, with what errno. */
#include "test.h"

static void empty(memkind_t kind)
{
	void *block = &block;
	CHECK_CALL(memkind_malloc(kind, 0), NULL, 0);
	CHECK_CALL(memkind_calloc(kind, 0, 10), NULL, 0);
	CHECK_CALL(memkind_calloc(kind, 10, 0), NULL, 0);
	CHECK_CALL(memkind_realloc(kind, NULL, 0), NULL, 0);
	CHECK_CALL(memkind_posix_memalign(kind, &block, 64, 0), 0, 0);
	CHECK(block == NULL);
	memkind_free(kind, NULL);
	memkind_free(NULL, NULL);
	CHECK(memkind_malloc_usable_size(kind, NULL) == 0 && memkind_malloc_usable_size(NULL, NULL) == 0);
	CHECK(memkind_detect_kind(NULL) == NULL);
	CHECK(memkind_defrag_reallocate(kind, NULL) == NULL && memkind_defrag_reallocate(NULL, NULL) == NULL);
}

static void too_large(memkind_t kind)
{
	void *block = memkind_malloc(kind, 100);
	void *aligned = &aligned;
	const size_t huge = (size_t)1 << 63;

	memset(block, 7, 100);
	CHECK_CALL(memkind_malloc(kind, SIZE_MAX), NULL, ENOMEM);
	CHECK_CALL(memkind_malloc(kind, SIZE_MAX - 4096), NULL, ENOMEM);
	CHECK_CALL(memkind_malloc(kind, 200 * MIB), NULL, ENOMEM);
	CHECK_CALL(memkind_calloc(kind, SIZE_MAX, 10), NULL, ENOMEM);
	CHECK_CALL(memkind_calloc(kind, huge, 2), NULL, ENOMEM);
	CHECK_CALL(memkind_calloc(kind, huge + 1, 2), NULL, ENOMEM);
	CHECK_CALL(memkind_calloc(kind, 2, huge + 1), NULL, ENOMEM);
	CHECK_CALL(memkind_realloc(kind, block, SIZE_MAX), NULL, ENOMEM);
	CHECK_CALL(memkind_realloc(kind, block, 200 * MIB), NULL, ENOMEM);
	CHECK(((char *)block)[99] == 7 && memkind_detect_kind(block) == kind);
	CHECK_CALL(memkind_posix_memalign(kind, &aligned, 64, 200 * MIB), ENOMEM, 0);
	CHECK(aligned == NULL);
	CHECK_CALL(memkind_posix_memalign(kind, &aligned, huge, 16), ENOMEM, 0);
	memkind_free(kind, block);
}

static void alignments(memkind_t kind)
{
	const size_t wrong[] = {0, 1, 2, 4, 3, 24, 48, SIZE_MAX};
	size_t i, alignment;
	void *block;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		block = &block;
		CHECK_CALL(memkind_posix_memalign(kind, &block, wrong[i], 100), EINVAL, 0);
		CHECK(block == NULL);
	}
	CHECK_CALL(memkind_posix_memalign(kind, NULL, 64, 100), EINVAL, 0);
	for (alignment = 8; alignment <= 32 * MIB; alignment *= 2) {
		for (i = 1; i <= 3 * MIB; i = i * 7 + 1) {
			errno = 4711;
			CHECK(memkind_posix_memalign(kind, &block, alignment, i) == 0);
			CHECK(errno == 4711);
			CHECK(block != NULL && (uintptr_t)block % alignment == 0);
			CHECK(memkind_malloc_usable_size(kind, block) >= i);
			memset(block, 1, i);
			memkind_free(kind, block);
		}
	}
}

/* Every block of a kind that is filled with aligned ones is aligned. */
static void aligned_to_the_end(void)
{
	size_t alignment;
	for (alignment = 4096; alignment <= 128 * KIB; alignment *= 2) {
		memkind_t kind = create(32 * MIB);
		size_t count = 0;
		void *block;
		while (memkind_posix_memalign(kind, &block, alignment, 16 * KIB) == 0) {
			CHECK((uintptr_t)block % alignment == 0);
			count++;
		}
		CHECK(count >= 32 * MIB / (alignment > 16 * KIB ? alignment : 16 * KIB) - 1);
		memkind_destroy_kind(kind);
	}
}

static void usable(memkind_t kind)
{
	const size_t sizes[] = {10, 100, 200, 500, 1000, 2000, 3000, 1 * MIB, 2 * MIB};
	const size_t slack[] = {8, 16, 32, 64, 128, 256, 512, 4 * KIB, 4 * KIB};
	size_t i;
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		void *block = memkind_malloc(kind, sizes[i]);
		size_t size = memkind_malloc_usable_size(kind, block);
		CHECK(size >= sizes[i] && size <= sizes[i] + slack[i]);
		CHECK(memkind_malloc_usable_size(NULL, block) == size);
		memkind_free(NULL, block);
	}
}

static void resizing(memkind_t kind)
{
	char *block = memkind_realloc(kind, NULL, 100);
	char *moved;
	size_t i;

	CHECK(block != NULL);
	for (i = 0; i < 100; i++)
		block[i] = (char)i;
	moved = memkind_realloc(NULL, block, 5000);
	for (i = 0; i < 100; i++)
		CHECK(moved[i] == (char)i);
	CHECK(memkind_detect_kind(moved) == kind);
	CHECK_CALL(memkind_realloc(kind, moved, 0), NULL, 0);
	CHECK_CALL(memkind_realloc(NULL, NULL, 100), NULL, EINVAL);

	/* In place while there is room behind, and shrunk in place, but not from megabytes to nothing. */
	block = memkind_malloc(kind, 2 * MIB);
	moved = memkind_realloc(kind, block, 8 * MIB);
	CHECK(moved == block);
	CHECK(memkind_realloc(kind, moved, 3 * MIB) == block);
	moved = memkind_realloc(kind, block, 16);
	CHECK(moved != block && memkind_detect_kind(moved) == kind);
	memkind_free(kind, moved);
}

/* Blocks go back to the kind that they are of, whatever kind is said. */
static void owners(memkind_t kind)
{
	memkind_t other = create(16 * MIB);
	void *mine = memkind_malloc(kind, 1000);
	void *theirs = memkind_malloc(other, 1000);
	void *plain = memkind_malloc(MEMKIND_DEFAULT, 1000);
	void *regular = memkind_malloc(MEMKIND_REGULAR, 1000);

	CHECK(memkind_detect_kind(mine) == kind && memkind_detect_kind(theirs) == other);
	CHECK(memkind_detect_kind(plain) == MEMKIND_DEFAULT && memkind_detect_kind(regular) == MEMKIND_REGULAR);
	CHECK(memkind_malloc_usable_size(other, mine) >= 1000);
	memkind_free(kind, theirs);
	memkind_free(other, mine);
	memkind_free(MEMKIND_DEFAULT, regular);
	memkind_free(MEMKIND_REGULAR, plain);
	CHECK(number(other, MEMKIND_STAT_TYPE_ALLOCATED) == 0);
	CHECK(number(kind, MEMKIND_STAT_TYPE_ALLOCATED) == 0);
	mine = memkind_malloc(kind, 1000);
	theirs = memkind_realloc(other, mine, 3000);
	CHECK(memkind_detect_kind(theirs) == kind);
	memkind_free(NULL, theirs);
	memkind_destroy_kind(other);
}

/* What is no block of any kind is answered, not crashed on; a double free does no harm. */
static void foreign(memkind_t kind)
{
	int local = 7;
	void *libc = malloc(100);
	char *block = memkind_malloc(kind, 100);
	char *other;

	errno = 4711;
	memkind_free(NULL, &local);
	memkind_free(kind, &local);
	memkind_free(kind, libc);
	memkind_free(NULL, libc);
	memkind_free(NULL, (void *)8);
	memkind_free(NULL, (void *)-8);
	CHECK(errno == 4711);
	CHECK(memkind_detect_kind(&local) == NULL && memkind_detect_kind(libc) == NULL && memkind_detect_kind((void *)-1) == NULL);
	CHECK_CALL(memkind_realloc(NULL, libc, 10), NULL, EINVAL);
	CHECK_CALL(memkind_realloc(kind, &local, 10), NULL, EINVAL);
	CHECK(memkind_malloc_usable_size(NULL, &local) == 0 && memkind_malloc_usable_size(kind, libc) == 0);
	CHECK(memkind_defrag_reallocate(NULL, &local) == NULL);
	CHECK_CALL(memkind_malloc(NULL, 10), NULL, EINVAL);
	CHECK_CALL(memkind_calloc(NULL, 10, 1), NULL, EINVAL);
	CHECK(memkind_malloc((memkind_t)&local, 10) == NULL);
	memkind_free((memkind_t)&local, block);
	CHECK(number(kind, MEMKIND_STAT_TYPE_ALLOCATED) == 0);
	memkind_free(kind, block);
	block = memkind_malloc(kind, 50000);
	other = memkind_malloc(kind, 50000);
	memkind_free(kind, other);
	memkind_free(kind, block);
	CHECK(number(kind, MEMKIND_STAT_TYPE_ALLOCATED) == 0);
	memkind_free(kind, block);
	memkind_free(NULL, block);
	CHECK(local == 7);
	free(libc);
}

static void zeroed(memkind_t kind)
{
	size_t size, i;
	for (size = 1; size < 4 * MIB; size = size * 3 + 1) {
		char *block = memkind_malloc(kind, size);
		memset(block, 0x55, size);
		memkind_free(kind, block);
		block = memkind_calloc(kind, size, 1);
		for (i = 0; i < size; i++)
			if (block[i] != 0)
				break;
		CHECK(i == size);
		memkind_free(kind, block);
	}
}

static void *unaligned_area(void)
{
	char *memory = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(memory != MAP_FAILED, "mmap");
	return memory + 1000;
}

static void all_of(memkind_t kind)
{
	empty(kind);
	too_large(kind);
	alignments(kind);
	usable(kind);
	resizing(kind);
	owners(kind);
	foreign(kind);
	zeroed(kind);
}

/* A kind on memory of the program's: whole pages of it; none is no room. */
static void fixed(void)
{
	char *area = unaligned_area();
	memkind_t kind = NULL, second = NULL;
	size_t count = 0;

	CHECK_CALL(memkind_create_fixed(area, 64 * MIB - 1000, &kind), MEMKIND_SUCCESS, 0);
	CHECK(memkind_create_fixed(area, 64 * MIB - 1000, &second) == MEMKIND_ERROR_INVALID && second == NULL);
	CHECK(memkind_create_fixed(area + 16 * MIB, 1 * MIB, &second) == MEMKIND_ERROR_INVALID);
	CHECK(memkind_get_capacity(kind) == (ssize_t)(64 * MIB - 1000));
	empty(kind);
	usable(kind);
	foreign(kind);
	while (memkind_malloc(kind, 64 * KIB) != NULL)
		count += 16;
	while (memkind_malloc(kind, 4 * KIB) != NULL)
		count++;
	CHECK(count == 64 * MIB / (4 * KIB) - 1);
	CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
	memset(area, 1, 64 * MIB - 1000); /* the program's again */

	CHECK_CALL(memkind_create_fixed(NULL, 64 * MIB, &kind), MEMKIND_SUCCESS, 0);
	CHECK_CALL(memkind_malloc(kind, 10), NULL, ENOMEM);
	CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
	CHECK_CALL(memkind_create_fixed(area, 0, &kind), MEMKIND_SUCCESS, 0);
	CHECK_CALL(memkind_malloc(kind, 10), NULL, ENOMEM);
	CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
}

int main(void)
{
	memkind_t kind = create(128 * MIB);
	memkind_t frugal = create_with("/dev/shm", 128 * MIB, MEMKIND_MEM_USAGE_POLICY_CONSERVATIVE);
	all_of(kind);
	all_of(frugal);
	empty(MEMKIND_DEFAULT);
	usable(MEMKIND_REGULAR);
	zeroed(MEMKIND_INTERLEAVE);
	aligned_to_the_end();
	fixed();
	memkind_destroy_kind(kind);
	memkind_destroy_kind(frugal);
	return ended();
}
