/*
 * What the programs of this folder share. Each is one test of libmemkind.so.0 through its header, ours or the original's. Exit status:
 * 0 passed, 77 cannot run here (the last line says why), anything else failed (one line for each thing that is wrong).
 */
#ifndef TEST_H
#define TEST_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <memkind.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

static int failures;

#define CHECK(condition) \
	((condition) ? (void)0 : (void)(failures++, printf("%s:%d: not true: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno)))

/* The call gives `value` and sets errno to `code`; 0: it leaves it alone. */
#define CHECK_CALL(call, value, code) \
	do { \
		errno = 0; \
		CHECK((call) == (value)); \
		CHECK(errno == (code)); \
	} while (0)

/* What programs read of a kind and its private part. */
struct kind_layout {
	void *ops;
	unsigned partition;
	char name[64];
	char gap[28];
	void *priv;
	unsigned arena_map_mask;
	unsigned arena_zero;
	void *rest;
};

struct pmem_layout {
	int fd;
	off_t offset;
	size_t max_size;
	char lock[40];
	size_t current_size;
	char *dir;
};

static inline struct kind_layout *inside(memkind_t kind)
{
	return (struct kind_layout *)kind;
}

static inline struct pmem_layout *pmem(memkind_t kind)
{
	return (struct pmem_layout *)inside(kind)->priv;
}

/* Bytes of storage that a kind's file has. */
static inline size_t storage(memkind_t kind)
{
	struct stat status;
	if (fstat(pmem(kind)->fd, &status) != 0)
		return (size_t)-1;
	return (size_t)status.st_blocks * 512;
}

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
	printf("cannot go on: %s (errno %d)\n", what, errno);
	exit(1);
}

static inline memkind_t create(size_t limit)
{
	memkind_t kind = NULL;
	require(memkind_create_pmem(directory(), limit, &kind) == MEMKIND_SUCCESS, "memkind_create_pmem");
	return kind;
}

static inline memkind_t create_with(const char *dir, size_t limit, memkind_mem_usage_policy policy)
{
	struct memkind_config *config = memkind_config_new();
	memkind_t kind = NULL;
	memkind_config_set_path(config, dir);
	memkind_config_set_size(config, limit);
	memkind_config_set_memory_usage_policy(config, policy);
	require(memkind_create_pmem_with_config(config, &kind) == MEMKIND_SUCCESS, "memkind_create_pmem_with_config");
	memkind_config_delete(config);
	return kind;
}

static inline size_t number(memkind_t kind, memkind_stat_type which)
{
	size_t value = 0;
	CHECK(memkind_update_cached_stats() == MEMKIND_SUCCESS);
	CHECK(memkind_get_stat(kind, which, &value) == MEMKIND_SUCCESS);
	return value;
}

static inline double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline unsigned next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*state >> 33);
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
