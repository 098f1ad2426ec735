/*
 * When large blocks get their storage on tmpfs: as they are touched, while the file system has plenty; otherwise, and with
 * VMMALLOC_STORAGE=ahead, before malloc returns. A full file system is NULL and ENOMEM, never SIGBUS.
 */
#include "forks.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

enum { tmpfs = 0x01021994 };
static char output[8192];
static int ahead;

/* Bytes of storage of the pool's file. */
static size_t stored(void)
{
	const char *folder = getenv("VMMALLOC_POOL_DIR");
	char path[64], target[512];

	for (int fd = 3; fd < 2048; fd++) {
		struct stat about;
		ssize_t length;

		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		length = readlink(path, target, sizeof target - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		if (strncmp(target, folder, strlen(folder)) == 0 && strstr(target, "(deleted)") != NULL && fstat(fd, &about) == 0)
			return (size_t)about.st_blocks * 512;
	}
	require(0, "finding the pool's file");
	return 0;
}

/* What a block of `size` bytes takes before it is touched. */
static size_t taken(size_t size)
{
	return ahead ? size - 2 * MIB : 0;
}

static void blocks(void)
{
	size_t before = stored(), during;
	unsigned char *block = hide(malloc(20 * MIB)), *zeros, *moved;

	CHECK(block != NULL);
	during = stored();
	CHECK(during >= before + taken(20 * MIB) && (ahead || during <= before + 2 * MIB));
	memset(block, 1, 5 * MIB);
	CHECK(stored() >= before + 2 * MIB); /* it may begin where there is storage already */
	CHECK(ahead || stored() <= before + 8 * MIB);
	CHECK(numbers().uordblks >= 20 * MIB && numbers().arena >= 20 * MIB);

	/* It grows where it is, or is moved: what is not touched takes nothing. */
	moved = hide(realloc(block, 30 * MIB));
	CHECK(moved != NULL && all_are(moved, 1, 5 * MIB));
	moved[30 * MIB - 1] = 2;
	if (moved == block && !ahead)
		CHECK(stored() <= before + 10 * MIB);
	moved = hide(realloc(moved, 6 * MIB));
	CHECK(moved != NULL && all_are(moved, 1, 5 * MIB));

	zeros = hide(calloc(20, MIB));
	CHECK(zeros != NULL && zeros[0] == 0 && zeros[20 * MIB - 1] == 0);
	CHECK(all_are(zeros, 0, 20 * MIB));
	free(zeros);
	free(moved);
	CHECK(malloc_trim(0) == 1);
	CHECK(stored() <= before + 2 * MIB);
	/* Where storage was given back there are zeros. */
	zeros = hide(calloc(20, MIB));
	CHECK(zeros != NULL && all_are(zeros, 0, 20 * MIB));
	free(zeros);
	malloc_trim(0);
}

static unsigned char *large;

static int child(void *argument)
{
	(void)argument;
	CHECK(large[0] == 7 && large[19 * MIB] == 8);
	CHECK(all_are(large + MIB, 0, 18 * MIB));
	memset(large, 9, 20 * MIB);
	free(large);
	malloc_trim(0);
	blocks();
	return 0;
}

/* The child of mode 2, which has a file of its own. */
static int copied(void *argument)
{
	(void)argument;
	CHECK(stored() <= 10 * MIB);
	ahead = 0;
	return child(NULL);
}

static int private_(void *argument)
{
	unsigned char *more;

	(void)argument;
	CHECK(large[0] == 7 && large[19 * MIB] == 8);
	memset(large, 9, 20 * MIB);
	free(large);
	malloc_trim(0);
	more = hide(calloc(20, MIB));
	CHECK(more != NULL && all_are(more, 0, 20 * MIB));
	return 0;
}

static void forks(char mode)
{
	large = hide(malloc(20 * MIB));
	require(large != NULL, "malloc");
	large[0] = 7;
	large[19 * MIB] = 8;
	for (int round = 0; round < 2; round++) {
		CHECK(status_of_child(mode == '2' ? copied : private_, NULL) == 0);
		CHECK(large[0] == 7 && large[19 * MIB] == 8);
	}
	/* Reading takes storage, too. */
	CHECK(all_are(large + 2 * MIB, 0, 16 * MIB));
	memset(large, 6, 20 * MIB);
	CHECK(all_are(large, 6, 20 * MIB));
	free(large);
}

/* A tmpfs of 64 MiB: promises are at most a quarter of it, and what is promised is had. */
static void full(void)
{
	enum { most = 64 };
	static unsigned char *got[most];
	int count = 0;

	while (count < most && (got[count] = hide(malloc(5 * MIB))) != NULL)
		count++;
	CHECK(errno == ENOMEM);
	CHECK(count >= 10 && count <= 12);
	CHECK_REFUSED(hide(calloc(8, MIB)), ENOMEM);
	CHECK_REFUSED(hide(realloc(got[0], 20 * MIB)), ENOMEM);
	for (int i = 0; i < count; i++)
		memset(got[i], i, 5 * MIB);
	for (int i = 0; i < count; i++) {
		CHECK(all_are(got[i], i, 5 * MIB));
		free(got[i]);
	}
	malloc_trim(0);
	CHECK(stored() <= 4 * MIB);
}

/* The same when something else has filled it in between, the margin excepted. */
static void crowded(void)
{
	unsigned char *promised = hide(malloc(12 * MIB)), *more;
	char path[256];
	int other;

	CHECK(promised != NULL && stored() <= 4 * MIB);
	snprintf(path, sizeof path, "%s/other", getenv("VMMALLOC_POOL_DIR"));
	other = open(path, O_CREAT | O_RDWR, 0600);
	CHECK(other >= 0 && posix_fallocate(other, 0, 40 * MIB) == 0);
	/* Half of what is left is owed: this allocates it first. */
	more = hide(malloc(5 * MIB));
	CHECK(more != NULL && stored() >= 16 * MIB);
	CHECK(posix_fallocate(other, 0, 64 * MIB) != 0);
	memset(promised, 1, 12 * MIB);
	memset(more, 2, 5 * MIB);
	CHECK_REFUSED(hide(malloc(12 * MIB)), ENOMEM);
	close(other);
	unlink(path);
}

static void check_mounted(struct variables *in)
{
	if (unshare(CLONE_NEWNS) != 0)
		skip("mounting a file system needs root");
	require(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount");
	require(mount("none", "/mnt", "tmpfs", 0, "size=64m") == 0, "mount");
	set_variable(in, "VMMALLOC_POOL_DIR", "/mnt");
	set_variable(in, "VMMALLOC_POOL_MAX_SIZE", "1GiB");
	check_self("full", in);
	check_self("crowded", in);
}

static void check_all(void)
{
	struct variables in;
	struct statfs kind;
	struct statvfs room;
	const char *folder = getenv("VMMALLOC_POOL_DIR");
	int status;

	require(folder != NULL && statfs(folder, &kind) == 0 && statvfs(folder, &room) == 0, "the pool's file system");
	copy_environment(&in);
	set_variable(&in, "VMMALLOC_STORAGE", "ahed");
	status = run_self("blocks", &in, output, sizeof output);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(strcmp(output, "Error (libvmmalloc): incorrect VMMALLOC_STORAGE value (ahed); it must be touched or ahead\n") == 0);
	set_variable(&in, "VMMALLOC_STORAGE", "ahead");
	check_self("ahead", &in);
	if (failures > 0)
		return;
	if (kind.f_type != tmpfs || room.f_bavail * room.f_frsize < 512 * MIB)
		skip("the pool is not on a tmpfs with room to spare");
	set_variable(&in, "VMMALLOC_STORAGE", "touched");
	check_self("blocks", &in);
	set_variable(&in, "VMMALLOC_STORAGE", NULL);
	check_self("blocks", &in);
	for (const char *mode = "123"; *mode != '\0'; mode++) {
		char value[2] = { *mode, '\0' };

		set_variable(&in, "VMMALLOC_FORK", value);
		check_self(*mode == '1' ? "private" : "copied", &in);
	}
	check_mounted(&in);
}

int main(int count, char **words)
{
	const char *what = count > 1 ? words[1] : "";

	alarm(100);
	ahead = strcmp(what, "ahead") == 0;
	if (strcmp(what, "blocks") == 0 || ahead)
		blocks();
	else if (strcmp(what, "private") == 0 || strcmp(what, "copied") == 0)
		forks(what[0] == 'p' ? '1' : '2');
	else if (strcmp(what, "full") == 0)
		full();
	else if (strcmp(what, "crowded") == 0)
		crowded();
	else
		check_all();
	return ended();
}
