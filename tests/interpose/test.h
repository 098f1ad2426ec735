/*
 * What the programs of this folder share. Each is one test of libvmmalloc.so.1, which serves its malloc (LD_PRELOAD,
 * or linked). Exit status: 0 passed, 77 cannot run here (the last line says why), anything else failed (one line for each
 * thing that is wrong). Programs start themselves again, by posix_spawn, for what needs another environment.
 */
#ifndef TEST_H
#define TEST_H

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

extern char **environ;

static int failures;

#define CHECK(condition) \
	((condition) ? (void)0 : (void)(failures++, printf("%s:%d: not true: %s (errno %d)\n", \
		__FILE__, __LINE__, #condition, errno)))

/* The call returns NULL and sets errno to `code`. */
#define CHECK_REFUSED(call, code) \
	do { \
		errno = 0; \
		CHECK((call) == NULL); \
		CHECK(errno == (code)); \
	} while (0)

/* Keeps the compiler from knowing what malloc and free do. */
static inline void *hide(void *pointer)
{
	__asm__ volatile("" : "+r"(pointer) : : "memory");
	return pointer;
}

static inline size_t hide_size(size_t size)
{
	__asm__ volatile("" : "+r"(size));
	return size;
}

/* Ends the program where a test cannot go on. */
static inline void require(int condition, const char *what)
{
	if (condition)
		return;
	printf("cannot go on: %s (errno %d)\n", what, errno);
	exit(1);
}

static inline void skip(const char *reason)
{
	printf("skipped: %s\n", reason);
	exit(77);
}

static inline int ended(void)
{
	fflush(stdout);
	return failures == 0 ? 0 : 1;
}

/* Functions that the oldest supported C library does not have. */
static inline void *function(const char *name)
{
	void *found = dlsym(RTLD_DEFAULT, name);

	require(found != NULL, name);
	return found;
}

static inline struct mallinfo2 numbers(void)
{
	struct mallinfo2 (*of_the_heap)(void) = (struct mallinfo2 (*)(void))function("mallinfo2");

	return of_the_heap();
}

/* What is mapped at an address, as /proc/self/maps names it; "" for anonymous memory, NULL for nothing. */
static inline const char *mapped_at(const void *address)
{
	static char line[512];
	static char name[512];
	FILE *maps = fopen("/proc/self/maps", "r");
	int found = 0;

	require(maps != NULL, "opening /proc/self/maps");
	while (!found && fgets(line, sizeof line, maps) != NULL) {
		uintptr_t begin, end;
		name[0] = '\0';
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %*s %511[^\n]", &begin, &end, name) < 2)
			continue;
		found = (uintptr_t)address >= begin && (uintptr_t)address < end;
	}
	fclose(maps);
	return found ? name : NULL;
}

/* Whether a block is in the pool: in a file that has no name any more in the directory, or on the device. */
static inline int in_pool(const void *block)
{
	const char *name = mapped_at(block);
	const char *directory = getenv("VMMALLOC_POOL_DIR");

	if (name == NULL || directory == NULL || strncmp(name, directory, strlen(directory)) != 0)
		return 0;
	return strcmp(name, directory) == 0 || strstr(name, "(deleted)") != NULL;
}

/* Sets a variable of an environment: a copy of the program's, with NULL taking one away. */
#define VARIABLES 400
struct variables {
	char *lines[VARIABLES];
	char text[8][256];
	int changed;
};

static inline void copy_environment(struct variables *to)
{
	int count = 0;

	memset(to, 0, sizeof *to);
	for (char **line = environ; *line != NULL && count < VARIABLES - 8; line++)
		to->lines[count++] = *line;
}

static inline void set_variable(struct variables *in, const char *name, const char *value)
{
	size_t length = strlen(name);
	char **line = in->lines;

	while (*line != NULL && !(strncmp(*line, name, length) == 0 && (*line)[length] == '='))
		line++;
	if (value == NULL) {
		for (; *line != NULL; line++)
			line[0] = line[1];
		return;
	}
	require(in->changed < 8, "room for another variable");
	snprintf(in->text[in->changed], sizeof in->text[0], "%s=%s", name, value);
	*line = in->text[in->changed++];
}

/*
 * Runs a program to its end and gives its wait status; what it printed, as far as it fits, goes to `output`, and standard
 * error with it.
 */
static inline int run(const char *path, char *const words[], struct variables *in, char *output, size_t size)
{
	posix_spawn_file_actions_t actions;
	int ends[2], status = -1;
	size_t length = 0;
	ssize_t got;
	pid_t child;

	fflush(stdout);
	require(pipe(ends) == 0, "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	posix_spawn_file_actions_addclose(&actions, ends[1]);
	errno = posix_spawn(&child, path, &actions, NULL, words, in == NULL ? environ : in->lines);
	require(errno == 0, "posix_spawn");
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	while (length + 1 < size && (got = read(ends[0], output + length, size - 1 - length)) > 0)
		length += (size_t)got;
	output[length] = '\0';
	while (read(ends[0], (char[256]){0}, 256) > 0) {
	}
	close(ends[0]);
	require(waitpid(child, &status, 0) == child, "waitpid");
	return status;
}

/* Runs this program again with one argument. */
static inline int run_self(const char *argument, struct variables *in, char *output, size_t size)
{
	char *words[] = { (char *)"self", (char *)argument, NULL };

	return run("/proc/self/exe", words, in, output, size);
}

/* The same, which has to pass; what it printed is shown if it did not. */
static inline void check_self(const char *argument, struct variables *in)
{
	static char output[8192];
	int status = run_self(argument, in, output, sizeof output);

	if (status == 0)
		return;
	failures++;
	printf("\"%s\" ended with status 0x%x:\n%s\n", argument, (unsigned)status, output);
}

#endif
