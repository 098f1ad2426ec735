/*
 * Tens of thousands of pools at once, on files and in regions, until the system has no mappings left (or all handles are
 * taken): a clear error then, and all of them work.
 */
#include "test.h"

#include <sched.h>
#include <sys/mount.h>

enum { most = 65535 };

static VMEM *pools[most + 1];
static char *region;

static size_t number_in(const char *path)
{
	unsigned long number = 0;
	FILE *file = fopen(path, "r");
	require(file != NULL && fscanf(file, "%lu", &number) == 1, path);
	fclose(file);
	return number;
}

static size_t mappings(void)
{
	size_t count = 0;
	int character;
	FILE *file = fopen("/proc/self/maps", "r");
	require(file != NULL, "/proc/self/maps");
	while ((character = getc(file)) != EOF)
		count += character == '\n';
	fclose(file);
	return count;
}

static VMEM *on_file(size_t index)
{
	VMEM *pool = vmem_create(directory(), VMEM_MIN_POOL);
	(void)index;
	CHECK((uintptr_t)pool % (4 * MIB) == 0);
	return pool;
}

static VMEM *in_region(size_t index)
{
	return vmem_create_in_region(region + index * VMEM_MIN_POOL, VMEM_MIN_POOL);
}

/* Creates until that fails, uses some, makes room for more, deletes all. */
static void fill(VMEM *(*make)(size_t))
{
	size_t before = mappings(), limit = number_in("/proc/sys/vm/max_map_count"), count, i;
	char expected[64];

	for (count = 0; count <= most && (pools[count] = make(count)) != NULL; count++)
		if (count % 64 == 0)
			CHECK(vmem_malloc(pools[count], 64) != NULL);
	if (count < most) {
		CHECK(errno == ENOMEM);
		snprintf(expected, sizeof expected, " (vm.max_map_count: %zu mappings)", limit);
		CHECK(strstr(vmem_errormsg(), expected) != NULL);
		CHECK(count >= limit / 3);
	} else {
		CHECK(count == most && errno == EMFILE);
		CHECK(strstr(vmem_errormsg(), "65535 pools are open") != NULL);
	}
	CHECK(count >= 20000 || limit < 60000);
	for (i = 0; i < count; i += 501) {
		char *block = vmem_calloc(pools[i], 1, 5000);
		CHECK(block > (char *)pools[i] && block < (char *)pools[i] + VMEM_MIN_POOL);
		CHECK(vmem_check(pools[i]) == 1);
	}
	/* Two go, one comes: where the library's records of neighbours are one mapping, taking one out of it makes it two. */
	for (i = count / 2; i < count / 2 + 10; i += 2) {
		vmem_delete(pools[i]);
		vmem_delete(pools[i + 1]);
		CHECK((pools[i] = make(i)) != NULL);
		CHECK(vmem_malloc(pools[i], 1) != NULL);
		pools[i + 1] = pools[i];
	}
	for (i = 0; i < count; i++)
		if (i == 0 || pools[i] != pools[i - 1])
			vmem_delete(pools[i]);
	CHECK(vmem_check(pools[0]) == -1);
	CHECK(mappings() < before + 1000);
}

int main(void)
{
	char root[256];

	region = mmap(NULL, (size_t)(most + 1) * VMEM_MIN_POOL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (region != MAP_FAILED)
		fill(in_region);
	else
		printf("not tried: regions, for want of address space\n");

	/* A file system that allocates nothing ahead: the size of all pools together is far beyond any memory. */
	snprintf(root, sizeof root, "%s/vmem-test-XXXXXX", directory());
	require(mkdtemp(root) != NULL, "mkdtemp");
	if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("none", root, "ramfs", 0, NULL) == 0) {
		setenv("TMPDIR", root, 1);
		fill(on_file);
		umount2(root, MNT_DETACH);
	} else {
		printf("not tried: files, mounting takes root\n");
	}
	rmdir(root);
	return ended();
}
