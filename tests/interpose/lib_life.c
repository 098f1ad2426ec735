/*
 * A library that is preloaded behind libvmmalloc: it works with the heap in its constructor, which runs before ours, and in its
 * destructor and at exit, after ours. 40 thread keys are taken first, so that the C library allocates to note the next
 * one.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *kept[100];

static void complain(const char *what)
{
	char line[200];
	int length = snprintf(line, sizeof line, "library: %s\n", what);

	if (write(2, line, (size_t)length) == length)
		_exit(3);
	_exit(4);
}

static void work(const char *when)
{
	for (int i = 0; i < 100; i++) {
		size_t size = (size_t)1 << (i % 20);
		char *block = malloc(size);

		if (block == NULL)
			complain(when);
		memset(block, i, size);
		if (kept[i] != NULL) {
			if (kept[i][0] != i)
				complain("what was kept has changed");
			kept[i] = realloc(kept[i], 2 * size);
			if (kept[i] == NULL || kept[i][0] != i)
				complain("realloc");
			free(kept[i]);
		}
		kept[i] = block;
	}
}

static void at_exit(void)
{
	work("at exit");
}

static __attribute__((constructor)) void begin(void)
{
	for (int i = 0; i < 40; i++) {
		pthread_key_t key;

		if (pthread_key_create(&key, NULL) != 0)
			complain("pthread_key_create");
	}
	work("constructor");
	atexit(at_exit);
}

static __attribute__((destructor)) void end(void)
{
	work("destructor");
	if (write(1, "destructor ran\n", 15) != 15)
		complain("write");
}
