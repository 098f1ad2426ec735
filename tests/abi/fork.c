/* fork(): the child reads, is refused, and makes pools of its own; the parent notices nothing; nothing hangs. */
#include "test.h"

static VMEM *pool;
static char *block;

static int child(void *argument)
{
	VMEM *own;
	char *mine;

	(void)argument;
	CHECK(strcmp(block, "parent") == 0);
	CHECK_REFUSED(vmem_malloc(pool, 64), EBADF, "before fork");
	CHECK_REFUSED(vmem_malloc(pool, 100000), EBADF, "before fork");
	CHECK_REFUSED(vmem_calloc(pool, 1, 64), EBADF, "before fork");
	CHECK_REFUSED(vmem_realloc(pool, block, 640000), EBADF, "before fork");
	CHECK_REFUSED(vmem_aligned_alloc(pool, 64, 64), EBADF, "before fork");
	CHECK_REFUSED(vmem_strdup(pool, "x"), EBADF, "before fork");
	CHECK_ERRNO_KEPT(vmem_free(pool, block));
	errno = 0;
	CHECK(vmem_check(pool) == -1 && errno == EBADF);
	errno = 0;
	vmem_delete(pool);
	CHECK(errno == EBADF);
	CHECK(strcmp(block, "parent") == 0);

	own = create(VMEM_MIN_POOL);
	mine = vmem_strdup(own, "child");
	CHECK(mine != NULL && strcmp(mine, "child") == 0);
	CHECK(vmem_check(own) == 1);
	vmem_free(own, mine);
	/* A child of the child: the child's pool is closed there, too. */
	if (argument == NULL) {
		VMEM *before = pool;
		pool = own;
		block = vmem_strdup(own, "parent");
		CHECK(status_of_child(child, pool) == 0);
		CHECK(vmem_check(own) == 1);
		pool = before;
	}
	vmem_delete(own);
	CHECK_REFUSED(vmem_malloc(own, 64), EINVAL, "invalid pool handle");
	return failures;
}

static volatile int stop;

static void *churn(void *argument)
{
	(void)argument;
	while (!stop) {
		char *a = vmem_malloc(pool, 3000), *b = vmem_malloc(pool, 300000);
		if (a == NULL || b == NULL)
			__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
		vmem_free(pool, a);
		vmem_free(pool, b);
	}
	return NULL;
}

static void *create_and_delete(void *argument)
{
	(void)argument;
	while (!stop) {
		VMEM *own = vmem_create(directory(), VMEM_MIN_POOL);
		if (own == NULL || vmem_malloc(own, 10) == NULL)
			__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
		vmem_delete(own);
	}
	return NULL;
}

static int short_child(void *argument)
{
	VMEM *own = create(VMEM_MIN_POOL);
	(void)argument;
	CHECK_REFUSED(vmem_malloc(pool, 64), EBADF, "before fork");
	CHECK(vmem_malloc(own, 5000) != NULL);
	vmem_delete(own);
	return failures;
}

/*
 * Forks while other threads hold whatever locks there are. An alarm ends a test that hangs; on a busy machine, where a hundred children
 * take minutes, there are fewer, so that slow is not taken for hung.
 */
static void storm(void)
{
	time_t began = time(NULL);
	pthread_t threads[3];
	int i;

	alarm(120);
	for (i = 0; i < 3; i++)
		require(pthread_create(&threads[i], NULL, i < 2 ? churn : create_and_delete, NULL) == 0, "pthread_create");
	for (i = 0; i < 100 && (i < 10 || time(NULL) - began < 20); i++)
		CHECK(status_of_child(short_child, NULL) == 0);
	stop = 1;
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	CHECK(failures == 0);
}

int main(void)
{
	pool = create(VMEM_MIN_POOL);
	block = vmem_strdup(pool, "parent");
	require(block != NULL, "vmem_strdup");
	CHECK(status_of_child(child, NULL) == 0);

	/* The parent goes on as if nothing had been. */
	CHECK(strcmp(block, "parent") == 0);
	vmem_free(pool, block);
	CHECK(vmem_check(pool) == 1);
	storm();
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	return ended();
}
