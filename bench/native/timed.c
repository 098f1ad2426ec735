/*
 * timed [NAME=VALUE ...] PROGRAM [WORD ...]: runs a program in an environment with those variables, its standard output thrown
 * away, and prints on one line what it and the children that it waited for took: elapsed and user time in microseconds, and the
 * most kibibytes that one of them had in main memory. Ends as the program did.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	int first = 1, status;
	int64_t begin = now();
	pid_t child;

	while (first < argc && strchr(argv[first], '=') != NULL)
		first++;
	if (first == argc)
		return 2;
	child = fork();
	if (child == 0) {
		int nowhere = open("/dev/null", O_WRONLY);

		for (int i = 1; i < first; i++)
			putenv(argv[i]);
		if (nowhere >= 0 && dup2(nowhere, 1) == 1)
			execvp(argv[first], argv + first);
		perror(argv[first]);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child) {
		perror("timed");
		return 2;
	}
	printf("%lld %lld %ld\n", (long long)(now() - begin),
		(long long)usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec, usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
