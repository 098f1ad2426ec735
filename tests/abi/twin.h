/*
 * For tests of the library for debugging, which lies beside the shipped one in vmem_debug: the program runs itself again
 * with that one, and parts of itself as processes whose end and words are looked at.
 */
#ifndef TWIN_H
#define TWIN_H

#include <fcntl.h>
#include <signal.h>

#include "test.h"

/* The folder of the program. */
static inline const char *own_folder(void)
{
	static char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);

	require(length > 0, "readlink");
	path[length] = '\0';
	*strrchr(path, '/') = '\0';
	return path;
}

static inline void choose_twin(void)
{
	char path[4200];

	snprintf(path, sizeof path, "%s/../lib/vmem_debug", own_folder());
	setenv("LD_LIBRARY_PATH", path, 1);
}

/* What the last process said on standard error, as far as it fits. */
static char said[1 << 16];

/* Runs a command and gives its wait status. */
static inline int run(const char *const *words)
{
	int status = -1;
	size_t length = 0;
	int ends[2];
	pid_t child;
	ssize_t count;

	require(pipe(ends) == 0, "pipe");
	fflush(stdout);
	child = fork();
	require(child >= 0, "fork");
	if (child == 0) {
		dup2(ends[1], 2);
		close(ends[0]);
		close(ends[1]);
		execvp(words[0], (char *const *)(uintptr_t)words);
		_exit(127);
	}
	close(ends[1]);
	while ((count = read(ends[0], said + length, sizeof said - 1 - length)) > 0)
		length += (size_t)count;
	said[length] = '\0';
	close(ends[0]);
	require(waitpid(child, &status, 0) == child, "waitpid");
	return status;
}

/* Runs this program with one word, which says what to do. */
static inline int run_self(const char *what)
{
	static char program[4300];
	const char *words[3];

	snprintf(program, sizeof program, "%s/%s", own_folder(), program_invocation_short_name);
	words[0] = program;
	words[1] = what;
	words[2] = NULL;
	return run(words);
}

static inline int aborted(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static inline int succeeded(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#define CHECK_SAID(part) \
	(strstr(said, (part)) != NULL ? (void)0 : (void)(failures++, printf("%s:%d: not said: %s; but:\n%s\n", \
		__FILE__, __LINE__, (part), said)))

#define CHECK_NOT_SAID(part) \
	(strstr(said, (part)) == NULL ? (void)0 : (void)(failures++, printf("%s:%d: said: %s:\n%s\n", \
		__FILE__, __LINE__, (part), said)))

#endif
