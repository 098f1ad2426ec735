/*
 * The heap works from the first constructor to the last destructor, and in what threads run at their end: key destructors of
 * every round, before and after ours, and the C library's own cleaning up.
 */
#include "test.h"

#include <limits.h>

static char output[4096];
static pthread_key_t keys[8];
static int ends;

static void use_heap(void)
{
	for (size_t size = 1; size < 300000; size = size * 2 + 1) {
		char *block = hide(malloc(size));

		require(block != NULL, "malloc");
		memset(block, 1, size);
		free(block);
	}
}

struct value {
	int key, round;
};

static void set(int key, int round)
{
	struct value *value = hide(malloc(sizeof *value));

	require(value != NULL, "malloc");
	value->key = key;
	value->round = round;
	pthread_setspecific(keys[key], value);
}

/* Sets a value again, up to the last round. */
static void destroy(void *argument)
{
	struct value value = *(struct value *)argument;

	free(argument);
	use_heap();
	if (value.round < PTHREAD_DESTRUCTOR_ITERATIONS)
		set(value.key, value.round + 1);
	else
		__atomic_add_fetch(&ends, 1, __ATOMIC_RELAXED);
}

static void *thread(void *argument)
{
	(void)argument;
	for (int i = 0; i < 8; i++)
		set(i, 1);
	use_heap();
	/* Kept by the C library for the thread, and freed by it at the end. */
	return strerror(4711) == NULL ? NULL : hide(malloc(10));
}

static void at_exit(void)
{
	use_heap();
	CHECK(write(1, "at exit\n", 8) == 8);
}

static int living(void)
{
	struct mallinfo2 before, after;

	for (int i = 0; i < 8; i++)
		require(pthread_key_create(&keys[i], destroy) == 0, "pthread_key_create");
	for (int i = 0; i < 300; i++) {
		pthread_t threads[4];
		void *result;

		for (int t = 0; t < 4; t++)
			require(pthread_create(&threads[t], NULL, thread, NULL) == 0, "pthread_create");
		for (int t = 0; t < 4; t++) {
			pthread_join(threads[t], &result);
			free(result);
		}
		if (i == 99)
			before = numbers();
	}
	after = numbers();
	CHECK(ends == 300 * 4 * 8);
	/* Two hundred rounds of threads leave nothing behind. */
	CHECK(after.uordblks < before.uordblks + 20000);
	CHECK(after.arena < before.arena + 4 * MIB);
	atexit(at_exit);
	return ended();
}

int main(int count, char **words)
{
	struct variables in;
	char preload[600];
	int status;

	(void)words;
	if (count > 1)
		return living();
	copy_environment(&in);
	snprintf(preload, sizeof preload, "%s %s", getenv("LD_PRELOAD"), getenv("VMEM_TEST_LIBRARY"));
	set_variable(&in, "LD_PRELOAD", preload);
	status = run_self("living", &in, output, sizeof output);
	CHECK(status == 0);
	CHECK(strcmp(output, "at exit\ndestructor ran\n") == 0);
	if (failures != 0)
		printf("status 0x%x\n%s", (unsigned)status, output);
	return ended();
}
