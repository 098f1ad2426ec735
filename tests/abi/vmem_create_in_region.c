/* vmem_create_in_region(): arguments, whose memory it is before and after, regions that overlap. */
#include "test.h"

#include <signal.h>
#include <sys/syscall.h>

static char *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(memory != MAP_FAILED, "mmap");
	return memory;
}

static void arguments(char *memory)
{
	char *nothing;

	CHECK_REFUSED(vmem_create_in_region(memory + 1, VMEM_MIN_POOL), EINVAL, "page size");
	CHECK_REFUSED(vmem_create_in_region(memory + 16, 5), EINVAL, "page size");
	CHECK_REFUSED(vmem_create_in_region(memory, VMEM_MIN_POOL - 1), EINVAL, "size 14680063 smaller than 14680064");
	CHECK_REFUSED(vmem_create_in_region(memory, 0), EINVAL, "size 0 smaller than 14680064");
	/* The original returned NULL without an errno. */
	CHECK_REFUSED(vmem_create_in_region(memory, SIZE_MAX), EINVAL, "address space");
	CHECK_REFUSED(vmem_create_in_region(memory, (size_t)1 << 63), EINVAL, "address space");
	CHECK_REFUSED(vmem_create_in_region(NULL, VMEM_MIN_POOL), EINVAL, "address space");
	nothing = map(VMEM_MIN_POOL);
	munmap(nothing, VMEM_MIN_POOL);
	CHECK_REFUSED(vmem_create_in_region(nothing, VMEM_MIN_POOL), ENOMEM, "Cannot allocate memory");
}

static int read_first_page(void *pool)
{
	return *(volatile char *)pool;
}

static void ownership(char *memory)
{
	VMEM *pool;
	char *block;
	int status;

	memset(memory, 0xee, 16 * MIB);
	pool = vmem_create_in_region(memory, VMEM_MIN_POOL + 1234);
	require(pool != NULL, "vmem_create_in_region");
	CHECK((char *)pool == memory);
	CHECK_REFUSED(vmem_create_in_region(memory, VMEM_MIN_POOL), EBUSY, "already");
	/* The refusal has not made the pool's first page readable. */
	status = status_of_child(read_first_page, pool);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	block = vmem_calloc(pool, 1, 100000);
	CHECK(block > memory && block + 100000 <= memory + VMEM_MIN_POOL);
	CHECK(block != NULL && block[0] == 0 && memcmp(block, block + 1, 99999) == 0);
	CHECK(vmem_check(pool) == 1);
	/* Beyond the size nothing is touched, and neither is it a block's. */
	CHECK(vmem_malloc(pool, VMEM_MIN_POOL - 4096) == NULL);
	CHECK(memory[VMEM_MIN_POOL + 4096] == (char)0xee);
	CHECK_ERRNO_KEPT(vmem_delete(pool));
	memset(memory, 1, 16 * MIB); /* the first page too */
	CHECK(vmem_check(pool) == -1);
	pool = vmem_create_in_region(memory, VMEM_MIN_POOL);
	CHECK(pool != NULL);
	vmem_delete(pool);
}

static void overlap(char *memory)
{
	VMEM *first = vmem_create_in_region(memory, VMEM_MIN_POOL);
	VMEM *second = vmem_create_in_region(memory + 8 * MIB, VMEM_MIN_POOL);
	VMEM *apart = vmem_create_in_region(memory + 24 * MIB, VMEM_MIN_POOL);

	require(first != NULL && second != NULL && apart != NULL, "vmem_create_in_region");
	CHECK_ERRNO_KEPT(CHECK(vmem_check(first) == 0));
	CHECK(strstr(vmem_errormsg(), "Checking the pool failed: ") != NULL);
	CHECK(vmem_check(second) == 0);
	CHECK(vmem_check(apart) == 1);
	vmem_delete(first);
	CHECK(vmem_check(second) == 1);
	vmem_delete(second);
	vmem_delete(apart);
}

/* A region inside a block of another pool shares memory with that pool. */
static void nested(void)
{
	VMEM *outer = create(64 * MIB);
	char *block = vmem_aligned_alloc(outer, 4096, 16 * MIB);
	VMEM *inner = vmem_create_in_region(block, 16 * MIB);

	require(inner != NULL, "vmem_create_in_region");
	CHECK(vmem_malloc(inner, 1000) != NULL);
	CHECK(vmem_check(outer) == 0 && vmem_check(inner) == 0);
	vmem_delete(inner);
	CHECK(vmem_check(outer) == 1);
	vmem_free(outer, block);
	vmem_delete(outer);
}

/* Whatever the memory is, a pool works in it, and it is whole again afterwards. */
static void kinds(void)
{
	static const int flags[] = {
		MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	};
	const size_t size = 16 * MIB;
	size_t i;

	for (i = 0; i < 5; i++) {
		/* A file in memory, then one on a disk. */
		char name[256];
		int fd = -1;
		char *memory, *block;
		size_t count;
		VMEM *pool;

		if (i == 3)
			fd = (int)syscall(SYS_memfd_create, "region", 1u); /* older C libraries lack the function */
		if (i == 4) {
			snprintf(name, sizeof name, "%s/vmem-test-XXXXXX", directory());
			fd = mkstemp(name);
			unlink(name);
		}
		if (i >= 3)
			require(ftruncate(fd, (off_t)size) == 0, "ftruncate");
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, i < 3 ? flags[i] : MAP_SHARED, fd, 0);
		require(memory != MAP_FAILED, "mmap");
		memset(memory, 0xee, size);
		pool = vmem_create_in_region(memory, size);
		require(pool != NULL, "vmem_create_in_region");
		for (count = 0; (block = vmem_calloc(pool, 1, 64 << 10)) != NULL; count++) {
			CHECK(block[0] == 0 && memcmp(block, block + 1, (64 << 10) - 1) == 0);
			memset(block, 1, 64 << 10);
		}
		CHECK(count >= 16 * 16 * 95 / 100);
		CHECK(vmem_check(pool) == 1);
		vmem_delete(pool);
		memset(memory, 2, size);
		munmap(memory, size);
		close(fd);
	}
}

/* The capacity does not depend on how the region is aligned. */
static void alignment(char *memory)
{
	size_t offset, most = 0, least = SIZE_MAX;

	for (offset = 0; offset < 4 * MIB; offset += MIB + 4096) {
		VMEM *pool = vmem_create_in_region(memory + offset, VMEM_MIN_POOL);
		size_t count = 0;
		while (vmem_malloc(pool, 64 << 10) != NULL)
			count++;
		most = count > most ? count : most;
		least = count < least ? count : least;
		vmem_delete(pool);
	}
	CHECK(least >= 14 * 16 * 95 / 100);
	CHECK(most == least);
}

int main(void)
{
	char *memory = map(40 * MIB);

	memory = (char *)(((uintptr_t)memory + 4095) & ~(uintptr_t)4095);
	arguments(memory);
	ownership(memory);
	overlap(memory);
	nested();
	kinds();
	alignment(memory);
	return ended();
}
