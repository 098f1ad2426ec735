/*
 * What the programs of this folder share. Each is one test of libvmem.so.1 through its public header. Exit status:
 * 0 passed, 77 cannot run here (the last line says why), anything else failed (one line for each thing that is wrong).
 */
#ifndef TEST_H
#define TEST_H

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libvmem.h>

#define MIB ((size_t)1 << 20)

static int failures;

#define CHECK(condition) \
	((condition) ? (void)0 : (void)(failures++, printf("%s:%d: not true: %s (errno %d, message \"%s\")\n", \
		__FILE__, __LINE__, #condition, errno, vmem_errormsg())))

/* The call returns NULL, sets errno to `code`, and the message contains `part`. */
#define CHECK_REFUSED(call, code, part) \
	do { \
		errno = 0; \
		CHECK((call) == NULL); \
		CHECK(errno == (code)); \
		CHECK(strstr(vmem_errormsg(), (part)) != NULL); \
	} while (0)

/* The call leaves errno alone. */
#define CHECK_ERRNO_KEPT(call) \
	do { \
		errno = 4711; \
		(void)(call); \
		CHECK(errno == 4711); \
	} while (0)

/* Where pools are made: $TMPDIR or /tmp. */
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
	printf("cannot go on: %s (errno %d, message \"%s\")\n", what, errno, vmem_errormsg());
	exit(1);
}

static inline VMEM *create(size_t size)
{
	VMEM *pool = vmem_create(directory(), size);
	require(pool != NULL, "vmem_create");
	return pool;
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
