/*
 * What the programs of this folder share. Each is one test of libmemkind.so.0 through its header, ours or the original's; see
 * program.h.
 */
#ifndef TEST_H
#define TEST_H

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include <memkind.h>

#include "../program.h"

#define KIB ((size_t)1 << 10)

/* memkind keeps no messages. */
static inline const char *last_message(void)
{
	return "";
}

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

/* Storage goes while the program does a little; the tries take a minute. */
static inline int falls_to(memkind_t kind, size_t bytes)
{
	int tries;
	for (tries = 0; tries < 6000 && storage(kind) > bytes; tries++) {
		memkind_free(kind, memkind_malloc(kind, 1 * KIB));
		usleep(10000);
	}
	return storage(kind) <= bytes;
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

#endif
