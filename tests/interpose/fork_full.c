/*
 * fork() on a full file system: in mode 2 the child ends with a message and SIGABRT and its parent goes on, in mode 3 both
 * go on with memory of their own. Nothing hangs. Needs the right to mount.
 */
#include "forks.h"
#include <sched.h>
#include <sys/mount.h>

static unsigned char *block;

static int child(void *argument)
{
	unsigned char *more;

	(void)argument;
	CHECK(all_are(block, 5, 10 * MIB));
	memset(block, 6, 10 * MIB);
	more = hide(malloc(12 * MIB));
	CHECK(more != NULL);
	memset(more, 7, 12 * MIB);
	free(block);
	CHECK(all_are(more, 7, 12 * MIB));
	return 0;
}

static void go(char mode)
{
	unsigned long file;

	alarm(60);
	block = hide(malloc(10 * MIB));
	require(block != NULL, "malloc");
	memset(block, 5, 10 * MIB);
	for (int round = 0; round < 3; round++) {
		int status = status_of_child(child, NULL);

		if (mode == '2')
			CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
		else
			CHECK(status == 0);
		CHECK(all_are(block, 5, 10 * MIB));
		CHECK(sharing(block, &file) == (mode == '2' ? 's' : 'p'));
	}
	free(block);
	/* The file system has no more than that; private memory has. */
	block = hide(malloc(24 * MIB));
	CHECK((block != NULL) == (mode == '3'));
	if (block != NULL)
		memset(block, 1, 24 * MIB);
}

int main(int arguments, char *words[])
{
	struct variables in;
	static char output[4096];

	if (arguments == 2) {
		go(words[1][0]);
		return ended();
	}
	if (unshare(CLONE_NEWNS) != 0)
		skip("mounting a file system needs root");
	require(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount");
	require(mount("none", "/mnt", "tmpfs", 0, "size=18m") == 0, "mount");
	copy_environment(&in);
	set_variable(&in, "VMMALLOC_POOL_DIR", "/mnt");
	set_variable(&in, "VMMALLOC_POOL_SIZE", "14MiB");
	set_variable(&in, "VMMALLOC_POOL_MAX_SIZE", "64MiB");
	set_variable(&in, "VMMALLOC_FORK", "3");
	check_self("3", &in);
	set_variable(&in, "VMMALLOC_FORK", "2");
	CHECK(run_self("2", &in, output, sizeof output) == 0);
	CHECK(strstr(output, "Error (libvmmalloc): vmem pool cloning failed: No space left on device\n") != NULL);
	CHECK(strstr(output, "not true") == NULL);
	return ended();
}
