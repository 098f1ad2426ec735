/*
 * A child that is stopped before it has done anything, as under a debugger that holds both sides of a fork: its parent goes on
 * after some seconds, and the child, when it goes on, has what there was at the moment of the fork. Where it copies from the parent's
 * memory (a device, huge pages) that cannot be: there the child ends with a message.
 */
#include "forks.h"

#include <sys/ptrace.h>
#include <time.h>

enum { size = 3 * MIB };

static int child(void *block)
{
	unsigned char *more = hide(calloc(1, 5 * MIB));

	CHECK(all_are(block, 1, size));
	CHECK(more != NULL && all_are(more, 0, 5 * MIB));
	free(more);
	free(block);
	return 0;
}

static void go(void)
{
	unsigned char *block = hide(malloc(size)), *more;
	struct timespec before, after;

	require(block != NULL, "malloc");
	memset(block, 1, size);
	clock_gettime(CLOCK_MONOTONIC, &before);
	begin_child(child, block);
	clock_gettime(CLOCK_MONOTONIC, &after);
	CHECK(after.tv_sec - before.tv_sec < 20);
	CHECK(all_are(block, 1, size));
	memset(block, 2, size);
	more = hide(calloc(1, 5 * MIB));
	CHECK(more != NULL && all_are(more, 0, 5 * MIB));
	free(block);
	malloc_trim(0);
	free(more);
}

static pid_t begin_traced(const char *mode)
{
	pid_t traced;

	fflush(stdout);
	traced = fork();
	require(traced >= 0, "fork");
	if (traced == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(77);
		setenv("VMMALLOC_FORK", mode, 1);
		execl("/proc/self/exe", "self", mode, NULL);
		_exit(9);
	}
	return traced;
}

/* Gives both sides' wait statuses; the child goes on when its parent has ended. */
static void trace(const char *mode, int *parents, int *childs)
{
	pid_t parent = begin_traced(mode), stopped = 0;
	int status, living = 1;

	require(waitpid(parent, &status, 0) == parent, "waitpid");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip("processes cannot be traced here");
	require(WIFSTOPPED(status), "a stop");
	require(ptrace(PTRACE_SETOPTIONS, parent, NULL, (void *)(PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL)) == 0, "options");
	require(ptrace(PTRACE_CONT, parent, NULL, NULL) == 0, "going on");
	while (living > 0) {
		pid_t who = waitpid(-1, &status, __WALL);

		require(who > 0 || errno == EINTR, "waitpid");
		if (who <= 0)
			continue;
		if (!WIFSTOPPED(status)) {
			*(who == parent ? parents : childs) = status;
			living--;
			if (who == parent && stopped != 0)
				CHECK(ptrace(PTRACE_CONT, stopped, NULL, NULL) == 0);
		} else if (who != parent && stopped == 0) {
			stopped = who;
			living++;
		} else {
			int signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);

			ptrace(PTRACE_CONT, who, NULL, (void *)(intptr_t)signal);
		}
	}
	CHECK(stopped != 0);
}

int main(int arguments, char *words[])
{
	(void)words;
	if (arguments > 1) {
		go();
		return ended();
	}
	if (on_device())
		skip("a device has one pool");
	alarm(100);
	for (const char *mode = "12"; *mode != '\0'; mode++) {
		int parents = -1, childs = -1;
		char word[2] = { *mode, '\0' };

		trace(word, &parents, &childs);
		CHECK(parents == 0);
		if (is_copied())
			CHECK(WIFSIGNALED(childs) && WTERMSIG(childs) == SIGABRT);
		else
			CHECK(childs == 0);
	}
	return ended();
}
