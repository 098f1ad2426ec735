/* vmem_errormsg(): a message for each thread, that nothing clears. */
#include "test.h"

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
	vmem_delete(pool);
	return ended();
}
