/* vmem_create() on hugetlbfs, in the directory that VMEM_TEST_HUGETLBFS names: whole huge pages, taken at creation. */
#include "test.h"

static const char *directory_of_huge_pages;

static size_t meminfo(const char *name)
{
	char line[128], wanted[64];
	size_t value = 0;
	FILE *file = fopen("/proc/meminfo", "r");

	require(file != NULL, "/proc/meminfo");
	snprintf(wanted, sizeof wanted, "%s: %%zu", name);
	while (fgets(line, sizeof line, file) != NULL && sscanf(line, wanted, &value) != 1)
		;
	fclose(file);
	return value;
}

static size_t free_pages(void)
{
	return meminfo("HugePages_Free") - meminfo("HugePages_Rsvd");
}

/* Allocates and writes all that is there; the number of blocks. */
static size_t fill(VMEM *pool, size_t length)
{
	size_t count;
	char *block;

	for (count = 0; (block = vmem_malloc(pool, length)) != NULL; count++)
		memset(block, 0xee, length);
	return count;
}

static void pool_in(size_t page)
{
	size_t size = (VMEM_MIN_POOL + page) / page * page, before = free_pages();
	VMEM *pool = vmem_create(directory_of_huge_pages, size - page + 1);
	char *block;

	require(pool != NULL, "vmem_create on hugetlbfs");
	CHECK(before - free_pages() == size / page);
	CHECK((uintptr_t)pool % page == 0 && (uintptr_t)pool % (4 * MIB) == 0);
	CHECK(*(volatile char *)pool == 0); /* the first page does not fault */
	CHECK(fill(pool, 64 << 10) >= size / (64 << 10) * 95 / 100);
	CHECK(before - free_pages() == size / page);
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	CHECK(free_pages() == before);

	pool = vmem_create(directory_of_huge_pages, VMEM_MIN_POOL);
	block = vmem_calloc(pool, 1, 4 * MIB);
	CHECK(block != NULL && block[0] == 0 && memcmp(block, block + 1, 4 * MIB - 1) == 0);
	vmem_delete(pool);
}

/* Pages are counted when the pool is created: none is missing later. */
static void too_few(size_t page)
{
	size_t before = free_pages();
	VMEM *pool;

	CHECK_REFUSED(vmem_create(directory_of_huge_pages, (before + 1) * page), ENOSPC, "posix_fallocate: No space left on device");
	CHECK(free_pages() == before);
	pool = vmem_create(directory_of_huge_pages, before * page);
	CHECK(pool != NULL);
	CHECK(free_pages() == 0);
	CHECK_REFUSED(vmem_create(directory_of_huge_pages, VMEM_MIN_POOL), ENOSPC, "posix_fallocate: ");
	CHECK(fill(pool, MIB) >= before * page / MIB * 95 / 100);
	vmem_delete(pool);
	CHECK(free_pages() == before);
}

/* Memory of the program's with huge pages, at a small page's address in it, too. */
static void in_region(size_t page)
{
	size_t size = (16 * MIB + 2 * page - 1) / page * page, offset;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	require(memory != MAP_FAILED, "mmap with MAP_HUGETLB");
	for (offset = 0; offset <= 4096; offset += 4096) {
		VMEM *pool = vmem_create_in_region(memory + offset, VMEM_MIN_POOL + 5);
		CHECK(pool != NULL);
		CHECK(fill(pool, 64 << 10) >= VMEM_MIN_POOL / (64 << 10) * 95 / 100);
		CHECK(vmem_check(pool) == 1);
		vmem_delete(pool);
		memset(memory, 1, size);
	}
	munmap(memory, size);
}

int main(void)
{
	size_t page = meminfo("Hugepagesize") << 10;

	directory_of_huge_pages = getenv("VMEM_TEST_HUGETLBFS");
	if (directory_of_huge_pages == NULL)
		skip("VMEM_TEST_HUGETLBFS names no directory (deno task test:dax)");
	require(free_pages() * page >= 32 * MIB, "32 MiB of huge pages are free");
	pool_in(page);
	too_few(page);
	in_region(page);
	return ended();
}
