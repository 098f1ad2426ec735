/* What a fork leaves: the parent goes on, kinds of the system's memory live in both, and the child is told of the rest. */
#include "test.h"

struct shared {
	memkind_t file, fixed;
	char *in_file, *in_fixed, *in_default, *in_regular;
};

static int child(void *argument)
{
	struct shared *of = argument;
	memkind_t own = NULL;
	char *block;
	int i;

	/* Read, but not used any more. */
	CHECK(strcmp(of->in_file, "file") == 0 && strcmp(of->in_fixed, "fixed") == 0);
	CHECK_CALL(memkind_malloc(of->file, 100), NULL, EBADF);
	CHECK_CALL(memkind_calloc(of->file, 100, 1), NULL, EBADF);
	CHECK_CALL(memkind_realloc(of->file, of->in_file, 5000), NULL, EBADF);
	CHECK_CALL(memkind_malloc(of->fixed, 100), NULL, EBADF);
	memkind_free(of->file, of->in_file);
	memkind_free(NULL, of->in_file);
	CHECK(strcmp(of->in_file, "file") == 0);
	CHECK(memkind_detect_kind(of->in_file) == of->file);

	/* The system's memory is the child's, as it was. */
	CHECK(strcmp(of->in_default, "default") == 0 && strcmp(of->in_regular, "regular") == 0);
	memkind_free(NULL, of->in_default);
	memkind_free(MEMKIND_REGULAR, of->in_regular);
	for (i = 0; i < 10000; i++) {
		block = memkind_malloc(i % 2 ? MEMKIND_DEFAULT : MEMKIND_REGULAR, 1 + (size_t)i * 7);
		CHECK(block != NULL);
		memset(block, i, 1 + (size_t)i * 7);
		memkind_free(NULL, block);
	}
	CHECK(number(MEMKIND_REGULAR, MEMKIND_STAT_TYPE_ALLOCATED) == 0);

	/* Kinds of its own, while the parent's are there and after they were ended here. */
	CHECK(memkind_create_pmem(directory(), 0, &own) == MEMKIND_SUCCESS && own != of->file);
	block = memkind_malloc(own, 1000);
	CHECK(block != NULL && memkind_detect_kind(block) == own);
	CHECK(memkind_destroy_kind(of->file) == MEMKIND_SUCCESS);
	CHECK(memkind_destroy_kind(of->file) == MEMKIND_ERROR_OPERATION_FAILED);
	CHECK(memkind_create_pmem(directory(), 0, &own) == MEMKIND_SUCCESS);
	CHECK(memkind_malloc(own, 1000) != NULL);
	CHECK(memkind_destroy_kind(own) == MEMKIND_SUCCESS);
	return ended();
}

static volatile int stop;

static void *worker(void *argument)
{
	memkind_t kind = argument;
	void *blocks[100] = {0};
	unsigned i = 0;
	while (!stop) {
		memkind_t made = NULL;
		memkind_free(NULL, blocks[i % 100]);
		blocks[i % 100] = memkind_malloc(kind, 1 + i % 5000);
		if (i % 1000 == 0 && memkind_create_pmem("/dev/shm", 0, &made) == MEMKIND_SUCCESS)
			memkind_destroy_kind(made);
		i++;
	}
	for (i = 0; i < 100; i++)
		memkind_free(kind, blocks[i]);
	return NULL;
}

static int busy_child(void *argument)
{
	memkind_t own = NULL;
	int i;
	for (i = 0; i < 300; i++) {
		void *block = memkind_malloc(MEMKIND_DEFAULT, 10 + (size_t)i * 30);
		CHECK(block != NULL);
		memkind_free(NULL, block);
	}
	CHECK(memkind_malloc((memkind_t)argument, 10) == NULL);
	CHECK(memkind_create_pmem("/dev/shm", 0, &own) == MEMKIND_SUCCESS);
	CHECK(memkind_destroy_kind(own) == MEMKIND_SUCCESS);
	return ended();
}

/* Forks in the middle of what other threads do with kinds. */
static void under_threads(void)
{
	memkind_t kind = create_with("/dev/shm", 0, MEMKIND_MEM_USAGE_POLICY_DEFAULT);
	pthread_t threads[3];
	int i;

	for (i = 0; i < 3; i++)
		require(pthread_create(&threads[i], NULL, worker, i == 0 ? MEMKIND_DEFAULT : kind) == 0, "pthread_create");
	for (i = 0; i < 40; i++)
		CHECK(status_of_child(busy_child, kind) == 0);
	stop = 1;
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	CHECK(number(kind, MEMKIND_STAT_TYPE_ALLOCATED) == 0);
	memkind_destroy_kind(kind);
}

static char area[4 << 20];

int main(void)
{
	struct shared of;
	int i;

	of.file = create(0);
	require(memkind_create_fixed(area, sizeof(area), &of.fixed) == MEMKIND_SUCCESS, "memkind_create_fixed");
	of.in_file = strcpy(memkind_malloc(of.file, 100), "file");
	of.in_fixed = strcpy(memkind_malloc(of.fixed, 100), "fixed");
	of.in_default = strcpy(memkind_malloc(MEMKIND_DEFAULT, 100), "default");
	of.in_regular = strcpy(memkind_malloc(MEMKIND_REGULAR, 100), "regular");
	for (i = 0; i < 3; i++)
		CHECK(status_of_child(child, &of) == 0);
	CHECK(strcmp(of.in_file, "file") == 0 && strcmp(of.in_default, "default") == 0);
	CHECK(memkind_malloc(of.file, 1000) != NULL && memkind_malloc(of.fixed, 1000) != NULL);
	memkind_free(NULL, of.in_file);
	CHECK(memkind_destroy_kind(of.file) == MEMKIND_SUCCESS && memkind_destroy_kind(of.fixed) == MEMKIND_SUCCESS);
	under_threads();
	return ended();
}
