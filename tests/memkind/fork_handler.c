/* fork() in signal handlers that interrupt what looks kinds up: with one thread nothing hangs. */
#include "test.h"
#include <memkind_memtier.h>
#include <sys/time.h>

static volatile int forks, wrong;

static void handler(int signal)
{
	int before = errno, status;
	pid_t child = fork();

	(void)signal;
	if (child == 0)
		_exit(0);
	while (waitpid(child, &status, 0) != child && errno == EINTR) {
	}
	wrong += child < 0 || status != 0;
	forks++;
	errno = before;
}

int main(void)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
	memkind_t kind;

	alarm(60);
	require(memkind_create_pmem(directory(), 0, &kind) == MEMKIND_SUCCESS, "memkind_create_pmem");
	require(sigaction(SIGVTALRM, &action, NULL) == 0 && setitimer(ITIMER_VIRTUAL, &often, NULL) == 0, "a timer");
	while (forks < 100) {
		void *block = memtier_kind_malloc(kind, 100);

		CHECK(block != NULL);
		memtier_free(block);
	}
	setitimer(ITIMER_VIRTUAL, &never, NULL);
	CHECK(wrong == 0 && memtier_kind_allocated_size(kind) == 0);
	CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
	return ended();
}
