/*
 * A program that loads the library when it needs it and unloads it while threads that used it live: as plugins do. Its
 * argument is the library. It prints one line.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#include <libvmem.h>

static VMEM *(*create)(const char *, size_t);
static void *(*allocate)(VMEM *, size_t);
static void (*give_back)(VMEM *, void *);
static void (*end)(VMEM *);

static pthread_barrier_t used, unloaded;
static VMEM *pool;

static void *use(void *unused)
{
	give_back(pool, allocate(pool, 100));
	pthread_barrier_wait(&used);
	pthread_barrier_wait(&unloaded);
	return unused; /* the thread's end gives back what it has cached, in code of the library */
}

int main(int count, char **words)
{
	pthread_t threads[4];
	int round, i;

	if (count != 2)
		return 1;
	pthread_barrier_init(&used, NULL, 5);
	pthread_barrier_init(&unloaded, NULL, 5);
	for (round = 0; round < 3; round++) {
		void *library = dlopen(words[1], RTLD_NOW);
		if (library == NULL) {
			fprintf(stderr, "%s\n", dlerror());
			return 2;
		}
		*(void **)&create = dlvsym(library, "vmem_create", "LIBVMEM_1.0");
		*(void **)&allocate = dlvsym(library, "vmem_malloc", "LIBVMEM_1.0");
		*(void **)&give_back = dlvsym(library, "vmem_free", "LIBVMEM_1.0");
		*(void **)&end = dlvsym(library, "vmem_delete", "LIBVMEM_1.0");
		if (create == NULL || allocate == NULL || give_back == NULL || end == NULL || dlvsym(library, "vmem_create", "LIBVMEM_2.0") != NULL)
			return 3;
		pool = create("/tmp", VMEM_MIN_POOL);
		if (pool == NULL)
			return 4;
		for (i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, use, NULL);
		pthread_barrier_wait(&used);
		if (round == 1)
			end(pool);
		dlclose(library);
		pthread_barrier_wait(&unloaded);
		for (i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
	}
	puts("unloaded");
	return 0;
}
