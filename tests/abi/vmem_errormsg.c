/* vmem_errormsg(): a message for each thread, that nothing clears. */
#include "test.h"

#include <sys/resource.h>

static void *other(void *argument)
{
	char number[32];
	int i;

	(void)argument;
	CHECK(vmem_errormsg()[0] == '\0');
	for (i = 1; i < 300; i++) {
		CHECK(vmem_create("/tmp", (size_t)i) == NULL);
		snprintf(number, sizeof number, "size %d smaller", i);
		CHECK(strncmp(vmem_errormsg(), number, strlen(number)) == 0);
	}
	return NULL;
}

static long mapped_kib(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	require(file != NULL && fscanf(file, "%ld", &pages) == 1, "/proc/self/statm");
	fclose(file);
	return pages * 4;
}

/* The first message of a process that can map nothing any more. */
static int without_memory(void *pool)
{
	struct rlimit limit = { 0, 0 };

	require(setrlimit(RLIMIT_AS, &limit) == 0, "setrlimit");
	CHECK_REFUSED(vmem_create(directory(), VMEM_MIN_POOL), ENOMEM, "mmap MAP_ANONYMOUS: Cannot allocate memory (RLIMIT_AS: 0 bytes)");
	CHECK(vmem_check(pool) == -1 && errno == EBADF);
	return failures;
}

static char path[20000];

int main(void)
{
	pthread_t thread;
	VMEM *pool;
	long before = 0;
	int i;

	CHECK(vmem_errormsg()[0] == '\0');
	CHECK(vmem_create(NULL, VMEM_MIN_POOL) == NULL);
	CHECK(strcmp(vmem_errormsg(), "invalid (NULL) path") == 0);
	pool = create(VMEM_MIN_POOL);
	CHECK(strcmp(vmem_errormsg(), "invalid (NULL) path") == 0); /* success does not clear it */

	for (i = 0; i < 200; i++) {
		if (i == 20)
			before = mapped_kib();
		require(pthread_create(&thread, NULL, other, NULL) == 0, "pthread_create");
		pthread_join(thread, NULL);
	}
	CHECK(mapped_kib() - before < 200); /* a thread's message goes with it */
	CHECK(strcmp(vmem_errormsg(), "invalid (NULL) path") == 0);
	/* Neither what succeeds nor want of room in a pool changes it, and it is there when there is no memory at all. */
	CHECK(vmem_malloc(pool, SIZE_MAX) == NULL && vmem_malloc(pool, VMEM_MIN_POOL) == NULL);
	CHECK(vmem_calloc(pool, SIZE_MAX, 2) == NULL);
	CHECK_ERRNO_KEPT(vmem_errormsg());
	CHECK(strcmp(vmem_errormsg(), "invalid (NULL) path") == 0);
	CHECK(status_of_child(without_memory, pool) == 0);
	/* What is too long for it is cut. */
	memset(path, 'x', sizeof path - 1);
	CHECK_REFUSED(vmem_create(path, VMEM_MIN_POOL), ENAMETOOLONG, "os_access \"xxx");
	CHECK(strlen(vmem_errormsg()) < 8192);
	vmem_delete(pool);
	return ended();
}
