/*
 * fork() in signal handlers that interrupt malloc, free and fork() itself: nothing hangs, and whatever the moment, the child can
 * execute a program and the parent's blocks stay whole. With one thread, as in the C library.
 */
#include "forks.h"
#include <sys/time.h>

enum { count = 300 };
static unsigned char *blocks[count];
static size_t sizes[count];
static volatile int forks;
static int wrong;

static void handler(int signal)
{
	static char *const words[] = { (char *)"true", NULL };
	int before = errno, status;
	pid_t child = fork();

	(void)signal;
	if (child == 0) {
		if (forks % 8 == 0)
			execv("/bin/true", words);
		_exit(0);
	}
	while (waitpid(child, &status, 0) != child && errno == EINTR) {
	}
	if (child < 0 || status != 0)
		wrong++;
	forks++;
	errno = before;
}

static int child(void *argument)
{
	void *block = hide(malloc(5000));

	(void)argument;
	CHECK(block != NULL);
	free(block);
	return 0;
}

static void step(int i)
{
	int at = i % count;

	if (blocks[at] != NULL)
		wrong += !all_are(blocks[at], at % 256, sizes[at]);
	free(blocks[at]);
	/* Large enough for the slow ways, and for steps of the file. */
	sizes[at] = i % 7 == 0 ? 40000 + (size_t)i % 50 * 9000 : 3000 + (size_t)i % 30 * 1000;
	blocks[at] = hide(malloc(sizes[at]));
	if (blocks[at] == NULL)
		wrong++;
	else
		memset(blocks[at], at % 256, sizes[at]);
	if (i % 40 == 0)
		malloc_trim(0);
}

static void go(void)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	/* By the time that the process has had: forking itself counts, so that there is time for more. */
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
	int i = 0;

	alarm(60);
	require(sigaction(SIGVTALRM, &action, NULL) == 0, "sigaction");
	require(setitimer(ITIMER_VIRTUAL, &often, NULL) == 0, "setitimer");
	while (forks < 40) {
		step(i++);
		/* A fork that is interrupted, too. */
		if (i % 400 == 0 && getenv("VMMALLOC_FORK")[0] != '0')
			CHECK(status_of_child(child, NULL) == 0);
	}
	setitimer(ITIMER_VIRTUAL, &never, NULL);
	for (int at = 0; at < count; at++) {
		if (blocks[at] != NULL)
			CHECK(all_are(blocks[at], at % 256, sizes[at]));
		free(blocks[at]);
	}
	CHECK(wrong == 0);
}

int main(int arguments, char *words[])
{
	(void)words;
	if (arguments == 1)
		in_modes("0123");
	else
		go();
	return ended();
}
