/*
 * vmem_create() on a device of DAX: the one that VMEM_TEST_DAX names, whose contents are lost. `deno task test:dax` runs
 * this in a virtual machine that has one.
 */
#include "test.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const char *device;
static size_t device_size, device_alignment;

static size_t attribute(const char *name)
{
	struct stat information;
	char path[128];
	FILE *file;
	size_t value = 0;

	require(stat(device, &information) == 0 && S_ISCHR(information.st_mode), "VMEM_TEST_DAX names a device");
	snprintf(path, sizeof path, "/sys/dev/char/%u:%u/%s", major(information.st_rdev), minor(information.st_rdev), name);
	file = fopen(path, "r");
	require(file != NULL && fscanf(file, "%zu", &value) == 1, path);
	fclose(file);
	return value;
}

static void refused(void)
{
	char text[128];

	CHECK_REFUSED(vmem_create(device, 5), EINVAL, "size 5 smaller than 14680064");
	CHECK_REFUSED(vmem_create(device, VMEM_MIN_POOL - 1), EINVAL, "size 14680063 smaller than 14680064");
	snprintf(text, sizeof text, "size %zu larger than %zu", device_size + 1, device_size);
	CHECK_REFUSED(vmem_create(device, device_size + 1), ENOSPC, text);
	snprintf(text, sizeof text, "size %zu larger than %zu", (size_t)1 << 62, device_size);
	CHECK_REFUSED(vmem_create(device, (size_t)1 << 62), ENOSPC, text);
}

static VMEM *create_on_device(size_t size)
{
	VMEM *pool = vmem_create(device, size);
	require(pool != NULL, "vmem_create on the device");
	return pool;
}

/* The whole device serves, whatever size was asked for, and nothing in it is taken for zeros. */
static void whole(size_t size)
{
	const size_t length = MIB;
	int before = dup(0), after;
	VMEM *pool;
	char *block, *first = NULL;
	size_t count = 0;

	close(before);
	pool = create_on_device(size);
	after = dup(0);
	close(after);
	CHECK(before == after); /* no descriptor stays open */
	CHECK((uintptr_t)pool % (4 * MIB) == 0 && (uintptr_t)pool % device_alignment == 0);
	CHECK(*(volatile char *)pool == *(volatile char *)pool); /* the first page does not fault */

	while ((block = vmem_malloc(pool, length)) != NULL) {
		if (first == NULL)
			first = block;
		CHECK(block > (char *)pool && block + length <= (char *)pool + device_size);
		memset(block, 0xee, length);
		count++;
	}
	CHECK(errno == ENOMEM);
	CHECK(count * length >= device_size / 100 * 95);
	CHECK(vmem_check(pool) == 1);
	vmem_free(pool, first);
	block = vmem_calloc(pool, 1, length);
	CHECK(block != NULL && block[0] == 0 && memcmp(block, block + 1, length - 1) == 0);
	vmem_delete(pool);

	/* The device keeps its bytes; a new pool does not mistake them for fresh memory. */
	pool = create_on_device(size);
	block = vmem_calloc(pool, 1, 4 * length);
	CHECK(block != NULL && block[0] == 0 && memcmp(block, block + 1, 4 * length - 1) == 0);
	block = vmem_aligned_alloc(pool, 2 * MIB, 3 * MIB);
	CHECK(block != NULL && (uintptr_t)block % (2 * MIB) == 0);
	block = vmem_realloc(pool, block, 9 * MIB);
	CHECK(block != NULL);
	vmem_free(pool, block);
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
}

static int create_in_child(void *argument)
{
	(void)argument;
	CHECK_REFUSED(vmem_create(device, 0), EBUSY, "flock: Device or resource busy");
	return failures;
}

static int create_without_rights(void *argument)
{
	(void)argument;
	require(setgid(65534) == 0 && setuid(65534) == 0, "setuid");
	CHECK_REFUSED(vmem_create(device, 0), EACCES, "open: Permission denied");
	return failures;
}

static int create_without_huge_pages(void *argument)
{
	VMEM *pool;

	(void)argument;
	require(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0, "prctl");
	if (device_alignment > 4096) {
		CHECK_REFUSED(vmem_create(device, 0), EOPNOTSUPP, "mmap: Operation not supported (huge pages are disabled");
		return failures;
	}
	pool = create_on_device(0);
	vmem_delete(pool);
	return failures;
}

/* Waits for the end of a pipe; with `argument` it becomes another program first, which has no mappings of this one. */
static pid_t waiting_child(int descriptors[2], int other_program)
{
	pid_t child;

	require(pipe(descriptors) == 0, "pipe");
	fflush(stdout);
	child = fork();
	require(child >= 0, "fork");
	if (child != 0) {
		close(descriptors[0]);
		return child;
	}
	close(descriptors[1]);
	dup2(descriptors[0], 0);
	if (other_program)
		execl("/bin/sh", "sh", "-c", "read line", (char *)NULL);
	(void)!read(0, &child, 1);
	_exit(0);
}

static void one_at_a_time(void)
{
	VMEM *pool = create_on_device(0);
	char *block = vmem_strdup(pool, "parent");
	int descriptors[2], i;
	pid_t child;

	CHECK_REFUSED(vmem_create(device, 0), EBUSY, "flock: Device or resource busy");
	CHECK(status_of_child(create_in_child, NULL) == 0);
	CHECK(strcmp(block, "parent") == 0);

	/* A forked child that still has the memory keeps the device, a program that it becomes does not. */
	child = waiting_child(descriptors, 0);
	vmem_delete(pool);
	CHECK_REFUSED(vmem_create(device, 0), EBUSY, "flock: Device or resource busy");
	close(descriptors[1]);
	require(waitpid(child, NULL, 0) == child, "waitpid");
	pool = create_on_device(0);
	child = waiting_child(descriptors, 1);
	vmem_delete(pool);
	for (i = 0, pool = NULL; i < 100 && pool == NULL; i++) {
		usleep(100000); /* until it is that program */
		pool = vmem_create(device, 0);
	}
	CHECK(pool != NULL);
	vmem_delete(pool);
	close(descriptors[1]);
	require(waitpid(child, NULL, 0) == child, "waitpid");
}

/* A part of the device as a region of the program's: its large pages cannot be protected in part. */
static void in_region(void)
{
	int fd = open(device, O_RDWR | O_CLOEXEC);
	size_t size = 32 * MIB > device_alignment ? 32 * MIB : device_alignment;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	VMEM *pool;
	char *block;

	require(memory != MAP_FAILED, "mmap of the device");
	memset(memory, 0xee, size);
	pool = vmem_create_in_region(memory, size);
	require(pool != NULL, "vmem_create_in_region");
	block = vmem_calloc(pool, 1000, 1000);
	CHECK(block != NULL && block[0] == 0 && memcmp(block, block + 1, 999999) == 0);
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	memset(memory, 1, size);
	munmap(memory, size);
	close(fd);
}

int main(void)
{
	device = getenv("VMEM_TEST_DAX");
	if (device == NULL)
		skip("VMEM_TEST_DAX names no device (deno task test:dax)");
	device_size = attribute("size");
	device_alignment = attribute("align");
	device_size -= device_size % device_alignment;
	refused();
	whole(0);
	whole(VMEM_MIN_POOL);
	whole(device_size);
	if (geteuid() == 0)
		CHECK(status_of_child(create_without_rights, NULL) == 0);
	CHECK(status_of_child(create_without_huge_pages, NULL) == 0);
	one_at_a_time();
	in_region();
	return ended();
}
