/* The environment: wrong use in a log file, nothing without being asked, where pools lie. */
#include "test.h"

static char path[256];

static const char *contents(void)
{
	static char text[4096];
	FILE *file = fopen(path, "r");
	size_t length = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
	text[length] = '\0';
	if (file != NULL)
		fclose(file);
	return text;
}

static int misuse(void *level)
{
	VMEM *pool;
	int local;

	if (level != NULL)
		setenv("VMEM_LOG_LEVEL", level, 1);
	setenv("VMEM_LOG_FILE", path, 1);
	pool = create(VMEM_MIN_POOL);
	vmem_free(pool, &local);
	vmem_delete(pool);
	return failures;
}

static int statistics(void *argument)
{
	VMEM *pool = create(VMEM_MIN_POOL);
	(void)argument;
	setenv("VMEM_LOG_FILE", path, 1);
	vmem_stats_print(pool, "g");
	vmem_delete(pool);
	return failures;
}

static int hint(void *argument)
{
	char *region = mmap(NULL, 256 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	static const char *const odd[] = { "", "0", "0x", "nonsense", "-1", "0x10zz", "1", "ffffffffffffffffff" };
	char text[32];
	VMEM *first, *second;
	size_t i;

	(void)argument;
	require(region != MAP_FAILED, "mmap");
	munmap(region, 256 * MIB);
	region = (char *)(((uintptr_t)region + 4 * MIB) & ~(uintptr_t)(4 * MIB - 1));
	snprintf(text, sizeof text, "0x%zx", (size_t)region);
	setenv("PMEM_MMAP_HINT", text, 1);
	first = create(16 * MIB);
	second = create(16 * MIB);
	CHECK((char *)first == region);
	CHECK((char *)second == region + 16 * MIB);
	vmem_delete(first);
	/* Without the prefix, and not at a multiple of 4 MiB: the next one counts. */
	snprintf(text, sizeof text, "%zx", (size_t)region + 1);
	setenv("PMEM_MMAP_HINT", text, 1);
	first = create(16 * MIB);
	CHECK((char *)first == region + 32 * MIB);
	vmem_delete(first);
	vmem_delete(second);
	for (i = 0; i < sizeof odd / sizeof *odd; i++) {
		setenv("PMEM_MMAP_HINT", odd[i], 1);
		first = create(16 * MIB);
		CHECK((uintptr_t)first % (4 * MIB) == 0);
		vmem_delete(first);
	}
	/* Above what a process can have there is nothing to find. */
	setenv("PMEM_MMAP_HINT", "0x7fffffff0000", 1);
	CHECK_REFUSED(vmem_create(directory(), VMEM_MIN_POOL), ENOMEM, "mmap MAP_ANONYMOUS: Cannot allocate memory");
	return failures;
}

int main(void)
{
	snprintf(path, sizeof path, "%s/vmem-test-log-%ld", directory(), (long)getpid());
	CHECK(status_of_child(misuse, NULL) == 0);
	CHECK(contents()[0] == '\0');
	CHECK(status_of_child(misuse, "0") == 0);
	CHECK(contents()[0] == '\0');
	CHECK(status_of_child(misuse, "1") == 0);
	CHECK(strncmp(contents(), "<libvmem>: <1> Freeing 0x", 25) == 0);
	CHECK(contents()[strlen(contents()) - 1] == '\n');
	unlink(path);
	CHECK(status_of_child(hint, NULL) == 0);
	CHECK(status_of_child(statistics, NULL) == 0);
	CHECK(strstr(contents(), "Allocated: ") != NULL);
	unlink(path);
	return ended();
}
