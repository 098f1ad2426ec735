/*
 * fork() while other threads work with the heap, with files of the C library and with locks in blocks; from several threads at
 * once; with handlers that allocate. The child sees one moment: what a lock guards is whole where the lock is free. An
 * argument says for how many seconds each mode is run.
 */
#include "forks.h"
#include <time.h>

enum { pairs = 4, slots = 64 };

struct pair {
	pthread_mutex_t lock;
	long first;
	char between[100000];
	long second;
};

static struct pair *guarded[pairs];
static unsigned char *shared[slots];
static volatile int stop;
static double seconds = 1.5;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void failed(void)
{
	__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
}

static void *guard(void *argument)
{
	struct pair *pair = argument;

	while (!stop) {
		pthread_mutex_lock(&pair->lock);
		if (pair->first != pair->second)
			failed();
		pair->first++;
		pair->second++;
		pthread_mutex_unlock(&pair->lock);
	}
	return NULL;
}

/* Blocks by way of slots: what is in one is whole. */
static void *churn(void *argument)
{
	uint32_t seed = (uint32_t)(uintptr_t)argument;

	while (!stop) {
		uint32_t size;
		unsigned char *block, *old;

		seed = seed * 1664525 + 1013904223;
		size = 16 + (seed >> 8) % (seed % 64 == 0 ? 300000 : 3000);
		block = hide(malloc(size));
		if (block == NULL) {
			failed();
			continue;
		}
		memset(block, (int)size, size);
		memcpy(block, &size, sizeof size);
		old = __atomic_exchange_n(&shared[(seed >> 16) % slots], block, __ATOMIC_ACQ_REL);
		free(old);
	}
	return NULL;
}

/* The C library keeps a list of its files, whose records it allocates, and goes through it in every child. */
static void *open_files(void *argument)
{
	(void)argument;
	while (!stop) {
		FILE *file = fopen("/dev/null", "w");

		if (file == NULL) {
			failed();
			continue;
		}
		fputs("text", file);
		fclose(file);
	}
	return NULL;
}

static void work(void)
{
	unsigned char *mine[200];

	for (int i = 0; i < 200; i++) {
		mine[i] = hide(calloc(1, (size_t)i * 200 + 1));
		CHECK(mine[i] != NULL && all_are(mine[i], 0, (size_t)i * 200 + 1));
		memset(mine[i], 0xcc, (size_t)i * 200 + 1);
	}
	for (int i = 0; i < 200; i++)
		free(mine[i]);
}

static int child(void *argument)
{
	(void)argument;
	for (int i = 0; i < pairs; i++) {
		if (pthread_mutex_trylock(&guarded[i]->lock) != 0)
			continue; /* somebody was inside */
		CHECK(guarded[i]->first == guarded[i]->second);
		pthread_mutex_unlock(&guarded[i]->lock);
	}
	work();
	for (int i = 0; i < slots; i++) {
		unsigned char *block = __atomic_load_n(&shared[i], __ATOMIC_ACQUIRE);
		uint32_t size;

		if (block == NULL)
			continue;
		memcpy(&size, block, sizeof size);
		CHECK(size >= 16 && size < 310000 && all_are(block + sizeof size, (int)size, size - sizeof size));
		free(block);
	}
	work();
	return 0;
}

static void *fork_often(void *argument)
{
	double end = now() + seconds;
	int forks = 0;

	do {
		int status = status_of_child(child, argument);

		if (status != 0) {
			failed();
			printf("a child ended with status 0x%x\n", (unsigned)status);
		}
		forks++;
	} while (now() < end);
	return (void *)(intptr_t)forks;
}

static void allocate_in_handler(void)
{
	unsigned char *block = hide(malloc(70000));

	if (block == NULL)
		failed();
	else
		memset(block, 1, 70000);
	free(block);
}

static void go(void)
{
	pthread_t threads[pairs + 3], forkers[2];
	int made = 0;

	alarm(60 + (unsigned)(seconds * 4));
	require(pthread_atfork(allocate_in_handler, allocate_in_handler, allocate_in_handler) == 0, "pthread_atfork");
	for (int i = 0; i < pairs; i++) {
		guarded[i] = hide(malloc(sizeof *guarded[i]));
		require(guarded[i] != NULL, "malloc");
		pthread_mutex_init(&guarded[i]->lock, NULL);
		guarded[i]->first = guarded[i]->second = 0;
		require(pthread_create(&threads[made++], NULL, guard, guarded[i]) == 0, "pthread_create");
	}
	for (uintptr_t i = 0; i < 2; i++)
		require(pthread_create(&threads[made++], NULL, churn, (void *)(i + 7)) == 0, "pthread_create");
	require(pthread_create(&threads[made++], NULL, open_files, NULL) == 0, "pthread_create");
	for (int i = 0; i < 2; i++)
		require(pthread_create(&forkers[i], NULL, fork_often, NULL) == 0, "pthread_create");
	CHECK(fork_often(NULL) != NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(forkers[i], NULL);
	stop = 1;
	for (int i = 0; i < made; i++)
		pthread_join(threads[i], NULL);
	CHECK(failures == 0);
	for (int i = 0; i < slots; i++)
		free(shared[i]);
}

int main(int arguments, char *words[])
{
	const char *said = getenv("VMEM_TEST_SECONDS");

	if (arguments == 1)
		in_modes("123");
	else if (strlen(words[1]) > 1 || strchr("123", words[1][0]) == NULL) {
		require(setenv("VMEM_TEST_SECONDS", words[1], 1) == 0, "setenv");
		in_modes("123");
	} else {
		if (said != NULL)
			seconds = atof(said);
		go();
	}
	return ended();
}
