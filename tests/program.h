/*
 * What all C programs of the tests share. Each is one test. Exit status: 0 passed, 77 cannot run here (the last line says why), anything
 * else failed (one line for each thing that is wrong). The folder's test.h includes this after the library's header and defines
 * `last_message()`.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static int failures;

/* What the library said last. */
static inline const char *last_message(void);

#define CHECK(condition) \
	((condition) ? (void)0 : (void)(failures++, printf("%s:%d: not true: %s (errno %d, message \"%s\")\n", \
		__FILE__, __LINE__, #condition, errno, last_message())))

/* Where files are made: $TMPDIR or /tmp. */
static inline const char *directory(void)
{
	const char *named = getenv("TMPDIR");
	return named != NULL && named[0] != '\0' ? named : "/tmp";
}

/* Ends the program where a test cannot go on. */
static inline void require(int condition, const char *what)
{
	if (condition)
		return;
	printf("cannot go on: %s (errno %d, message \"%s\")\n", what, errno, last_message());
	exit(1);
}

static inline void skip(const char *reason)
{
	printf("skipped: %s\n", reason);
	exit(77);
}

/* Runs `body` in a child of fork() and gives its wait status; the body's result is the exit status. */
static inline int status_of_child(int (*body)(void *), void *argument)
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	require(child >= 0, "fork");
	if (child == 0) {
		failures = 0;
		status = body(argument);
		fflush(stdout);
		_exit(status);
	}
	require(waitpid(child, &status, 0) == child, "waitpid");
	return status;
}

static inline int ended(void)
{
	fflush(stdout);
	return failures == 0 ? 0 : 1;
}

#endif
