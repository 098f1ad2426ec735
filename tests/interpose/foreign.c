/*
 * Blocks that are not the pool's: the C library's own, from wherever, are freed and resized as ever; what is nobody's is
 * ignored.
 */
#include "test.h"

#include <sys/mman.h>

typedef void *(*allocate)(size_t);
static allocate libc_malloc;

static void served(allocate from)
{
	static const size_t sizes[] = { 1, 24, 100, 1000, 5000, 100000, 200000, 5000000 };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_t size = sizes[i];
		unsigned char *block = hide(from(size)), *moved;

		require(block != NULL, "a block of the C library");
		CHECK(!in_pool(block));
		CHECK(malloc_usable_size(block) >= size && malloc_usable_size(block) < size + 8192);
		memset(block, 7, size);
		moved = hide(realloc(block, 2 * size));
		require(moved != NULL, "realloc");
		CHECK(moved[0] == 7 && moved[size - 1] == 7);
		errno = 4711;
		free(moved);
		CHECK(errno == 4711);
		block = hide(from(size));
		CHECK(hide(realloc(block, hide_size(0))) == NULL);
	}
	/* Many, so that a block lost or freed twice would show. */
	for (int round = 0; round < 100000; round++)
		free(hide(from(1 + (size_t)round % 2000)));
}

/* Blocks of another arena of the C library. */
static void *in_thread(void *argument)
{
	(void)argument;
	served(libc_malloc);
	return hide(libc_malloc(100));
}

static void nobodys(void)
{
	char *hole = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static char data[256] __attribute__((aligned(64)));
	char local[64];
	char *block = hide(malloc(1000));
	void *addresses[] = { data, data + 64, data + 65, local, hole, hole + 16, hole + 4096, hole + 4099, block + 16, block + 1,
		(void *)16, (void *)-16, (void *)4096 };

	munmap(hole + 4096, 4096);
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		void *address = hide(addresses[i]);

		errno = 4711;
		free(address);
		CHECK(errno == 4711);
		CHECK(malloc_usable_size(address) == 0);
		CHECK_REFUSED(hide(realloc(address, 100)), EINVAL);
	}
	memset(block, 1, 1000);
	free(block);
	munmap(hole, 4096);
}

int main(void)
{
	pthread_t thread;
	void *left;
	void *library;
	allocate deep;

	libc_malloc = (allocate)dlsym(RTLD_DEFAULT, "__libc_malloc");
	if (libc_malloc == NULL)
		skip("the C library has no __libc_malloc");
	served(libc_malloc);
	require(pthread_create(&thread, NULL, in_thread, NULL) == 0, "pthread_create");
	pthread_join(thread, &left);
	free(left);

	library = dlopen(getenv("VMEM_TEST_LIBRARY"), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
	require(library != NULL, "dlopen");
	deep = (allocate)dlsym(library, "library_malloc");
	require(deep != NULL, "dlsym");
	served(deep);
	dlclose(library);
	nobodys();
	return ended();
}
