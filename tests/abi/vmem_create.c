/* vmem_create(): what it accepts, and the errors that an ordinary directory can give. */
#include "test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static char root[256];

static const char *path(const char *name)
{
	static char buffers[4][512];
	static int next;
	char *buffer = buffers[next++ % 4];
	snprintf(buffer, sizeof buffers[0], "%s/%s", root, name);
	return buffer;
}

static void sizes(void)
{
	char text[64];

	CHECK_REFUSED(vmem_create(root, VMEM_MIN_POOL - 1), EINVAL, "size 14680063 smaller than 14680064");
	CHECK_REFUSED(vmem_create(root, 0), EINVAL, "size 0 smaller than 14680064");
	/* The size is looked at before the path. */
	CHECK_REFUSED(vmem_create(NULL, 5), EINVAL, "size 5 smaller than 14680064");
	CHECK_REFUSED(vmem_create(NULL, VMEM_MIN_POOL), EINVAL, "invalid (NULL) path");
	CHECK_REFUSED(vmem_create(root, SIZE_MAX), EINVAL, "posix_fallocate: Invalid argument");
	snprintf(text, sizeof text, "invalid size (%zu) for os_off_t", (size_t)1 << 63);
	CHECK_REFUSED(vmem_create(root, (size_t)1 << 63), EFBIG, text);
	/* More than any file system has here, and more than a file can have on most. */
	errno = 0;
	CHECK(vmem_create(root, (size_t)100 << 40) == NULL && (errno == EFBIG || errno == ENOSPC || errno == ENOMEM));
	CHECK(errno == ENOMEM || strstr(vmem_errormsg(), errno == EFBIG ? "posix_fallocate: File too large" : "posix_fallocate: No space left on device") != NULL);
}

/* Its number need not lead anywhere: nothing is opened. */
static void block_device(void)
{
	if (mknod(path("block"), S_IFBLK | 0600, makedev(7, 250)) != 0) {
		printf("not tried: block devices, making one takes root\n");
		return;
	}
	CHECK_REFUSED(vmem_create(path("block"), VMEM_MIN_POOL), ENOTDIR, "open: Not a directory");
	unlink(path("block"));
}

static void paths(void)
{
	static char too_long[300];

	CHECK_REFUSED(vmem_create("", VMEM_MIN_POOL), ENOENT, "open: No such file or directory");
	CHECK_REFUSED(vmem_create(path("missing"), VMEM_MIN_POOL), ENOENT, "open: No such file or directory");
	require(symlink("nowhere", path("dangling")) == 0, "symlink");
	CHECK_REFUSED(vmem_create(path("dangling"), VMEM_MIN_POOL), ENOENT, "open: No such file or directory");

	close(open(path("file"), O_CREAT | O_WRONLY, 0600));
	CHECK_REFUSED(vmem_create(path("file"), VMEM_MIN_POOL), ENOTDIR, "open: Not a directory");
	CHECK_REFUSED(vmem_create(path("file/below"), VMEM_MIN_POOL), ENOTDIR, "os_access \"");
	require(mkfifo(path("fifo"), 0600) == 0, "mkfifo");
	CHECK_REFUSED(vmem_create(path("fifo"), VMEM_MIN_POOL), ENOTDIR, "open: Not a directory");
	/* Here the original left the message of an earlier failure. */
	CHECK_REFUSED(vmem_create("/dev/null", VMEM_MIN_POOL), EINVAL, "\"/dev/null\" is a character device, but not a DAX device");
	CHECK_REFUSED(vmem_create("/dev/null/below", VMEM_MIN_POOL), ENOTDIR, "os_access \"/dev/null/below\": Not a directory");

	require(symlink("loop", path("loop")) == 0, "symlink");
	CHECK_REFUSED(vmem_create(path("loop"), VMEM_MIN_POOL), ELOOP, "os_access \"");
	CHECK(strstr(vmem_errormsg(), "loop\": Too many levels of symbolic links") != NULL);
	memset(too_long, 'x', sizeof too_long - 1);
	CHECK_REFUSED(vmem_create(too_long, VMEM_MIN_POOL), ENAMETOOLONG, "os_access \"xxx");
	CHECK(strstr(vmem_errormsg(), "\": File name too long") != NULL);
	block_device();
	/* Nameless files are refused to all, named ones to root only after the permission was there. */
	if (geteuid() == 0)
		CHECK_REFUSED(vmem_create("/proc", VMEM_MIN_POOL), ENOENT, "mkstemp: ");
	else
		CHECK_REFUSED(vmem_create("/proc", VMEM_MIN_POOL), EACCES, "open: Permission denied");
	errno = 0;
	CHECK(vmem_create("/sys", VMEM_MIN_POOL) == NULL);
	CHECK(errno == EACCES || errno == EROFS); /* a container's is often read-only */
	CHECK(strstr(vmem_errormsg(), errno == EROFS ? "open: " : "mkstemp: Permission denied") != NULL || geteuid() != 0);
}

static int file_limit(void *argument)
{
	struct rlimit limit = { 20 * MIB, 20 * MIB };
	(void)argument;
	require(setrlimit(RLIMIT_FSIZE, &limit) == 0, "setrlimit");
	CHECK_REFUSED(vmem_create(root, 21 * MIB), EFBIG, "posix_fallocate: File too large");
	return failures;
}

static int address_limit(void *argument)
{
	struct rlimit limit = { 1024 * MIB, 1024 * MIB };
	(void)argument;
	require(setrlimit(RLIMIT_AS, &limit) == 0, "setrlimit");
	CHECK_REFUSED(vmem_create(root, 1100 * MIB), ENOMEM, "mmap MAP_ANONYMOUS: Cannot allocate memory (RLIMIT_AS: 1073741824 bytes)");
	return failures;
}

static int descriptor_limit(void *argument)
{
	struct rlimit limit = { 3, 3 };
	(void)argument;
	require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
	CHECK_REFUSED(vmem_create(root, VMEM_MIN_POOL), EMFILE, "open: Too many open files");
	return failures;
}

static int without_rights(void *argument)
{
	(void)argument;
	if (geteuid() != 0 || setgid(65534) != 0 || setuid(65534) != 0)
		return 0; /* an ordinary user already */
	CHECK_REFUSED(vmem_create(root, VMEM_MIN_POOL), EACCES, "open: Permission denied");
	return failures;
}

static void accepted(void)
{
	VMEM *pool;
	VMEM *pools[20];
	size_t i;

	/* Any size from the minimum up, and a symbolic link to a directory. */
	require(symlink(".", path("link")) == 0, "symlink");
	errno = 4711;
	pool = vmem_create(path("link"), VMEM_MIN_POOL + 1);
	CHECK(pool != NULL);
	CHECK(errno == 4711);
	vmem_delete(pool);
	/* An odd size is rounded up to pages, of which all but the first can be used. */
	pool = vmem_create(root, VMEM_MIN_POOL + 1);
	CHECK(vmem_malloc(pool, VMEM_MIN_POOL) != NULL);
	vmem_delete(pool);
	for (i = 0; i < 20; i++) {
		pools[i] = vmem_create(root, VMEM_MIN_POOL + i * 4096);
		CHECK(pools[i] != NULL);
		CHECK((uintptr_t)pools[i] % (4 * MIB) == 0);
		CHECK(vmem_malloc(pools[i], 100) != NULL);
	}
	for (i = 0; i < 20; i++)
		vmem_delete(pools[i]);
}

/* Nothing has a name, and no descriptor stays open. */
static void traces(void)
{
	int before = dup(0), after;
	VMEM *pool;
	struct stat information;

	close(before);
	pool = create(VMEM_MIN_POOL);
	after = dup(0);
	close(after);
	CHECK(before == after);
	require(stat(root, &information) == 0, "stat");
	CHECK(information.st_nlink == 2);
	vmem_delete(pool);
	CHECK(rmdir(root) == 0);
}

int main(void)
{
	static const char *const names[] = { "dangling", "file", "fifo", "loop", "link" };
	size_t i;

	snprintf(root, sizeof root, "%s/vmem-test-XXXXXX", directory());
	require(mkdtemp(root) != NULL, "mkdtemp");
	sizes();
	paths();
	CHECK(status_of_child(file_limit, NULL) == 0);
	CHECK(status_of_child(address_limit, NULL) == 0);
	CHECK(status_of_child(descriptor_limit, NULL) == 0);
	CHECK(status_of_child(without_rights, NULL) == 0);
	accepted();
	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		unlink(path(names[i]));
	traces();
	return ended();
}
