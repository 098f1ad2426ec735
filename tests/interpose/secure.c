/*
 * A program with more rights than its user (linked to the library: the loader would not preload it): the variables of the user
 * are not looked at, neither to make a file nor to end the process; the heap is anonymous memory.
 */
#include "test.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>

static int privileged(void)
{
	char *block = hide(malloc(1000));

	CHECK(getauxval(AT_SECURE) != 0);
	CHECK(block != NULL);
	CHECK(block == NULL || strcmp(mapped_at(block), "") == 0);
	for (int i = 0; i < 100; i++) {
		char *large = hide(malloc(MIB));
		require(large != NULL, "malloc");
		memset(large, 1, MIB);
	}
	free(block);
	return ended();
}

static void copy(const char *to)
{
	int from = open("/proc/self/exe", O_RDONLY), target = open(to, O_WRONLY | O_CREAT | O_EXCL, 0755);
	static char buffer[65536];
	ssize_t got;

	require(from >= 0 && target >= 0, "copying this program");
	while ((got = read(from, buffer, sizeof buffer)) > 0)
		require(write(target, buffer, (size_t)got) == got, "copying this program");
	close(from);
	require(fchown(target, 65534, 65534) == 0 && fchmod(target, 06755) == 0, "chmod");
	close(target);
}

int main(int count, char **words)
{
	char path[4200], output[4096];
	char *again[] = { (char *)"self", (char *)"privileged", NULL };
	ssize_t length;
	int status;
	struct variables in;

	(void)words;
	if (count > 1) {
		/* Not on a file system that is mounted nosuid. */
		if (getauxval(AT_SECURE) == 0)
			return 77;
		return privileged();
	}
	if (geteuid() != 0)
		skip("only root may make a program of another user");
	length = readlink("/proc/self/exe", path, sizeof path - 100);
	require(length > 0, "readlink");
	snprintf(path + length, 100, ".%d", (int)getpid());
	copy(path);
	copy_environment(&in);
	set_variable(&in, "VMMALLOC_POOL_DIR", "/nonexistent");
	status = run(path, again, &in, output, sizeof output);
	unlink(path);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip("the file system gives no program the rights of its owner");
	CHECK(status == 0);
	if (status != 0)
		printf("status 0x%x\n%s\n", (unsigned)status, output);
	return ended();
}
