/*
 * Opened by dlopen() instead of preloaded, the library serves those who ask it for its functions, and may be closed: threads
 * that used it end well.
 */
#include "test.h"

static void *(*their_malloc)(size_t);
static void (*their_free)(void *);
static pthread_barrier_t used, closed;

static void *thread(void *argument)
{
	char *block = their_malloc(1000);

	(void)argument;
	CHECK(block != NULL && in_pool(block));
	memset(block, 1, 1000);
	their_free(block);
	pthread_barrier_wait(&used);
	pthread_barrier_wait(&closed);
	return NULL;
}

int main(void)
{
	void *library = dlopen(getenv("VMEM_TEST_LIBRARY"), RTLD_NOW | RTLD_LOCAL);
	pthread_t one;

	require(library != NULL, "dlopen");
	their_malloc = (void *(*)(size_t))dlsym(library, "malloc");
	their_free = (void (*)(void *))dlsym(library, "free");
	require(their_malloc != NULL && their_free != NULL, "dlsym");
	CHECK((void *)their_malloc != dlsym(RTLD_DEFAULT, "malloc"));
	CHECK(!in_pool(hide(malloc(1000))));
	pthread_barrier_init(&used, NULL, 2);
	pthread_barrier_init(&closed, NULL, 2);
	require(pthread_create(&one, NULL, thread, NULL) == 0, "pthread_create");
	pthread_barrier_wait(&used);
	CHECK(dlclose(library) == 0);
	pthread_barrier_wait(&closed);
	pthread_join(one, NULL);
	return ended();
}
