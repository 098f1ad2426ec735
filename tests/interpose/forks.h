/* What the programs about fork() share. */
#ifndef FORKS_H
#define FORKS_H

#include "test.h"

#include <sys/stat.h>
#include <sys/vfs.h>

static inline pid_t begin_child(int (*body)(void *), void *argument)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	require(child >= 0, "fork");
	if (child == 0) {
		int result;

		failures = 0;
		result = body(argument) + failures;
		fflush(stdout);
		_exit(result > 100 ? 100 : result);
	}
	return child;
}

static inline int end_child(pid_t child)
{
	int status = -1;

	while (waitpid(child, &status, 0) != child)
		require(errno == EINTR, "waitpid");
	return status;
}

/* Runs `body` in a child of fork() and gives its wait status; it fails by its result or by CHECK. */
static inline int status_of_child(int (*body)(void *), void *argument)
{
	return end_child(begin_child(body, argument));
}

/* The pool is a device, this process's alone. */
static inline int on_device(void)
{
	struct stat about;

	return stat(getenv("VMMALLOC_POOL_DIR"), &about) == 0 && S_ISCHR(about.st_mode);
}

/* A child copies from its parent's memory, and may see half of what other threads write: a device, or a directory of huge pages. */
static inline int is_copied(void)
{
	struct statfs about;

	return on_device() || (statfs(getenv("VMMALLOC_POOL_DIR"), &about) == 0 && about.f_type == 0x958458f6);
}

/* How the page of an address is mapped: 's' shared with the file, 'p' private; and the file's number, 0 for none. */
static inline char sharing(const void *address, unsigned long *file)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");

	require(maps != NULL, "opening /proc/self/maps");
	while (fgets(line, sizeof line, maps) != NULL) {
		uintptr_t begin, end;
		char rights[8];

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s %*s %*s %lu", &begin, &end, rights, file) < 4)
			continue;
		if ((uintptr_t)address < begin || (uintptr_t)address >= end)
			continue;
		fclose(maps);
		return rights[3];
	}
	fclose(maps);
	return '?';
}

/* Runs this program again, in each of the modes. */
static inline void in_modes(const char *modes)
{
	for (; *modes != '\0'; modes++) {
		struct variables in;
		char mode[2] = { *modes, '\0' };

		copy_environment(&in);
		set_variable(&in, "VMMALLOC_FORK", mode);
		check_self(mode, &in);
	}
}

static inline int all_are(const void *block, int byte, size_t size)
{
	const unsigned char *bytes = block;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] != (unsigned char)byte)
			return 0;
	return 1;
}

#endif
