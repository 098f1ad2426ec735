/*
 * What the first fork of a process with 256 MiB in blocks takes: until it has returned in the parent and in the child, and,
 * beside it, what copying those bytes into a new file of the folder that is given takes. Prints the three, in nanoseconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { block_size = 64 << 10, count = 4096 };
static char *blocks[count];

static uint64_t now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static void require(int condition, const char *what)
{
	if (condition)
		return;
	perror(what);
	exit(1);
}

static uint64_t copy_into(const char *folder)
{
	uint64_t begin = now();
	int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	require(file >= 0, folder);
	for (int i = 0; i < count; i++)
		require(pwrite(file, blocks[i], block_size, (off_t)i * block_size) == block_size, "pwrite");
	begin = now() - begin;
	close(file);
	return begin;
}

int main(int argc, char **argv)
{
	uint64_t begin, parent, copy;
	uint64_t *in_child = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = -1;
	pid_t child;

	require(argc == 2 && in_child != MAP_FAILED, "first_fork FOLDER");
	for (int i = 0; i < count; i++) {
		blocks[i] = malloc(block_size);
		require(blocks[i] != NULL, "malloc");
		memset(blocks[i], i % 255 + 1, block_size);
	}
	copy = copy_into(argv[1]);
	begin = now();
	child = fork();
	if (child == 0) {
		*in_child = now();
		for (int i = 0; i < count; i++)
			if (blocks[i][i] != (char)(i % 255 + 1))
				_exit(1);
		_exit(0);
	}
	parent = now();
	require(child > 0 && waitpid(child, &status, 0) == child && status == 0, "the child");
	printf("%llu %llu %llu\n", (unsigned long long)(parent - begin), (unsigned long long)(*in_child - begin),
	    (unsigned long long)copy);
	return 0;
}
