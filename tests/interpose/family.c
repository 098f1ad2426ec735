/* What each function of the family gives, keeps and refuses, at its limits. */
#include "test.h"

static void *(*resize_array)(void *, size_t, size_t);
static void (*free_old)(void *);
static void (*free_with_size)(void *, size_t);
static void (*free_with_alignment)(void *, size_t, size_t);

static int is_zero(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return 0;
	return 1;
}

static void sizes(void)
{
	static const size_t some[] = { 0, 1, 7, 8, 9, 15, 16, 17, 24, 100, 1000, 4095, 4096, 4097, 14336, 14337, 65536, 1000000,
		1048576, 1048577, 5000000 };

	for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
		size_t size = hide_size(some[i]);
		unsigned char *block = hide(malloc(size));
		unsigned char *other = hide(malloc(size));
		unsigned char *zero = hide(calloc(size, 1));

		CHECK(block != NULL && other != NULL && zero != NULL);
		CHECK(block != other);
		CHECK(in_pool(block) && in_pool(zero));
		CHECK((uintptr_t)block % (size >= 9 ? 16 : 8) == 0);
		CHECK(malloc_usable_size(block) >= size);
		CHECK(is_zero(zero, size));
		memset(block, 0xa5, malloc_usable_size(block));
		memset(zero, 0xa5, size);
		free(block);
		free(zero);
		zero = hide(calloc(1, size));
		CHECK(is_zero(zero, size));
		free(zero);
		free_old(other);
	}
	errno = 4711;
	free(NULL);
	free(hide(malloc(100)));
	free(hide(malloc(3000000)));
	CHECK(errno == 4711);
	CHECK(malloc_usable_size(NULL) == 0);
}

static void too_large(void)
{
	static const size_t huge[] = { PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1, SIZE_MAX - 4096, SIZE_MAX, (size_t)1 << 40 };
	void *block = hide(malloc(100));
	void *to = block;

	for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
		size_t size = hide_size(huge[i]);
		CHECK_REFUSED(hide(malloc(size)), ENOMEM);
		CHECK_REFUSED(hide(calloc(1, size)), ENOMEM);
		CHECK_REFUSED(hide(realloc(block, size)), ENOMEM);
		CHECK_REFUSED(hide(aligned_alloc(64, size)), ENOMEM);
		CHECK_REFUSED(hide(memalign(64, size)), ENOMEM);
		CHECK_REFUSED(hide(valloc(size)), ENOMEM);
		CHECK_REFUSED(hide(pvalloc(size)), ENOMEM);
		errno = 4711;
		CHECK(posix_memalign(&to, 64, size) == ENOMEM && to == NULL && errno == 4711);
		to = block;
	}
	CHECK_REFUSED(hide(calloc(hide_size((size_t)1 << 32), (size_t)1 << 32)), ENOMEM);
	CHECK_REFUSED(hide(calloc(hide_size(SIZE_MAX), 2)), ENOMEM);
	CHECK_REFUSED(hide(resize_array(block, hide_size((size_t)1 << 33), (size_t)1 << 33)), ENOMEM);
	CHECK(malloc_usable_size(block) >= 100);
	free(block);
}

static void resizing(void)
{
	unsigned char *block = hide(realloc(NULL, 10));
	unsigned char *same;

	memcpy(block, "123456789", 10);
	for (size_t size = 16; size <= 4 * MIB; size = size * 3 / 2) {
		block = hide(realloc(block, size));
		require(block != NULL, "realloc");
		CHECK(memcmp(block, "123456789", 10) == 0);
		block[size - 1] = 7;
	}
	for (size_t size = 4 * MIB; size >= 10; size /= 3) {
		block = hide(realloc(block, size));
		require(block != NULL, "realloc");
		CHECK(memcmp(block, "123456789", 10) == 0);
	}
	same = hide(realloc(block, malloc_usable_size(block)));
	CHECK(same == block);
	errno = 4711;
	CHECK(hide(realloc(same, hide_size(0))) == NULL);
	CHECK(errno == 4711);
	block = hide(realloc(NULL, hide_size(0)));
	CHECK(block != NULL);
	free(block);
	block = hide(resize_array(NULL, 100, 100));
	CHECK(malloc_usable_size(block) >= 10000);
	CHECK(hide(resize_array(block, 0, 100)) == NULL);
}

static void alignments(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *block;

	for (size_t alignment = 1; alignment <= 4 * MIB; alignment *= 2) {
		for (size_t size = 0; size <= 3 * alignment && size < 10 * MIB; size += alignment / 2 + 1) {
			block = hide(aligned_alloc(hide_size(alignment), size));
			CHECK(block != NULL && (uintptr_t)block % alignment == 0 && malloc_usable_size(block) >= size);
			memset(block, 1, size);
			free_with_alignment(block, alignment, size);
			block = hide(memalign(hide_size(alignment), size));
			CHECK(block != NULL && (uintptr_t)block % alignment == 0);
			free_with_size(block, size);
			block = (void *)1;
			if (alignment < sizeof(void *)) {
				CHECK(posix_memalign(&block, alignment, size) == EINVAL && block == NULL);
				continue;
			}
			CHECK(posix_memalign(&block, alignment, size) == 0 && (uintptr_t)block % alignment == 0);
			free(block);
		}
	}
	CHECK_REFUSED(hide(aligned_alloc(hide_size(0), 100)), EINVAL);
	CHECK_REFUSED(hide(aligned_alloc(hide_size(48), 100)), EINVAL);
	CHECK_REFUSED(hide(aligned_alloc(hide_size((size_t)1 << 63), 100)), ENOMEM);
	CHECK_REFUSED(hide(memalign(hide_size(SIZE_MAX), 100)), EINVAL);
	block = hide(memalign(hide_size(48), 100));
	CHECK(block != NULL && (uintptr_t)block % 64 == 0);
	free(block);
	block = hide(memalign(hide_size(0), 100));
	CHECK(block != NULL);
	free(block);
	errno = 4711;
	CHECK(posix_memalign(&block, hide_size(48), 100) == EINVAL && errno == 4711);
	CHECK(posix_memalign(&block, hide_size(0), 100) == EINVAL && errno == 4711);
	block = hide(valloc(100));
	CHECK(block != NULL && (uintptr_t)block % page == 0);
	free(block);
	block = hide(pvalloc(0));
	CHECK(block != NULL && (uintptr_t)block % page == 0 && malloc_usable_size(block) >= page);
	free(block);
	block = hide(pvalloc(page + 1));
	CHECK(block != NULL && malloc_usable_size(block) == 2 * page);
	free(block);
}

int main(void)
{
	resize_array = (void *(*)(void *, size_t, size_t))function("reallocarray");
	free_old = (void (*)(void *))function("cfree");
	free_with_size = (void (*)(void *, size_t))function("free_sized");
	free_with_alignment = (void (*)(void *, size_t, size_t))function("free_aligned_sized");
	sizes();
	too_large();
	resizing();
	alignments();
	return ended();
}
