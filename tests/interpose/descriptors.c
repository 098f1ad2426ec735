/* A program that closes or reuses every descriptor keeps its heap; what it executes inherits none. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>

/* How many descriptors name a file of the pool's directory. */
static int pool_descriptors(void)
{
	DIR *all = opendir("/proc/self/fd");
	struct dirent *entry;
	int count = 0;

	require(all != NULL, "opendir");
	while ((entry = readdir(all)) != NULL) {
		char name[300], target[512];
		ssize_t length;

		snprintf(name, sizeof name, "/proc/self/fd/%s", entry->d_name);
		length = readlink(name, target, sizeof target - 1);
		if (length <= 0)
			continue;
		target[length] = '\0';
		if (strncmp(target, getenv("VMMALLOC_POOL_DIR"), strlen(getenv("VMMALLOC_POOL_DIR"))) == 0 &&
		    strstr(target, "(deleted)") != NULL)
			count++;
	}
	closedir(all);
	return count;
}

static int inheriting(void)
{
	char *words[] = { (char *)"self", (char *)"inherited", NULL };

	CHECK(pool_descriptors() == 1);
	if (failures != 0)
		return ended();
	fflush(stdout);
	execv("/proc/self/exe", words);
	return 1;
}

/* As daemons do it: all of them, and others in their places. */
static int closing(int reuse)
{
	struct rlimit limit;
	char *before = hide(malloc(1000)), *blocks[40];
	int null = open("/dev/null", O_RDWR);

	strcpy(before, "before");
	require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
	fflush(stdout);
	for (int fd = 3; fd < (int)(limit.rlim_cur < 4096 ? limit.rlim_cur : 4096); fd++) {
		if (fd == null)
			continue;
		if (reuse)
			dup2(null, fd);
		else
			close(fd);
	}
	for (int i = 0; i < 40; i++) {
		blocks[i] = hide(malloc(MIB));
		require(blocks[i] != NULL, "malloc without a descriptor");
		memset(blocks[i], i + 1, MIB);
	}
	CHECK(strcmp(before, "before") == 0);
	for (int i = 0; i < 40; i++) {
		CHECK(blocks[i][MIB - 1] == i + 1);
		free(blocks[i]);
	}
	malloc_trim(0);
	before = hide(calloc(30, MIB));
	CHECK(before != NULL && before[20 * MIB] == 0);
	return ended();
}

int main(int count, char **words)
{
	if (count > 1) {
		if (strcmp(words[1], "inherited") == 0) {
			CHECK(pool_descriptors() == 1);
			return ended();
		}
		if (strcmp(words[1], "inheriting") == 0)
			return inheriting();
		return closing(strcmp(words[1], "reuse") == 0);
	}
	/* Small numbers are the program's. */
	CHECK(open("/dev/null", O_RDONLY) < 10);
	check_self("inheriting", NULL);
	check_self("close", NULL);
	check_self("reuse", NULL);
	return ended();
}
