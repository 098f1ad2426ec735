/* A file system that is full, or read-only: on a small tmpfs in a mount namespace of its own. */
#include "test.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

static size_t room(const char *path)
{
	struct statvfs information;
	require(statvfs(path, &information) == 0, "statvfs");
	return (size_t)information.f_bavail * information.f_bsize;
}

int main(void)
{
	char root[256];
	VMEM *pool;
	size_t before, blocks;

	snprintf(root, sizeof root, "%s/vmem-test-XXXXXX", directory());
	require(mkdtemp(root) != NULL, "mkdtemp");
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", root, "tmpfs", 0, "size=40m") != 0) {
		rmdir(root);
		skip("mounting a tmpfs takes root");
	}

	before = room(root);
	CHECK_REFUSED(vmem_create(root, 41 * MIB), ENOSPC, "posix_fallocate: No space left on device");
	CHECK(room(root) == before);

	/* Storage is taken when the pool is created: nothing can fail later, whoever fills the rest. */
	pool = vmem_create(root, 30 * MIB);
	require(pool != NULL, "vmem_create");
	CHECK(before - room(root) >= 30 * MIB);
	CHECK_REFUSED(vmem_create(root, VMEM_MIN_POOL), ENOSPC, "posix_fallocate: No space left on device");
	for (blocks = 0;; blocks++) {
		char *block = vmem_malloc(pool, 64 << 10);
		if (block == NULL)
			break;
		memset(block, 1, 64 << 10);
	}
	CHECK(blocks >= 30 * 16 * 95 / 100);
	vmem_delete(pool);
	CHECK(room(root) == before);

	require(mount("none", root, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0, "remount");
	CHECK_REFUSED(vmem_create(root, VMEM_MIN_POOL), EROFS, "open: Read-only file system");
	umount(root);
	rmdir(root);
	return ended();
}
