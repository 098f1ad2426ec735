/* vmem_delete(): what is left of a pool, handles that are none, and the page that nobody may touch. */
#include "test.h"

#include <signal.h>

static int read_first_page(void *pool)
{
	return *(volatile char *)pool;
}

static int write_first_page(void *pool)
{
	*((volatile char *)pool + 4095) = 1;
	return 0;
}

static VMEM *under_handler;

static void handler(int signal)
{
	(void)signal;
	/* What programs written for the original do here. */
	vmem_delete(under_handler);
	_exit(42);
}

static int delete_in_handler(void *argument)
{
	(void)argument;
	under_handler = create(VMEM_MIN_POOL);
	signal(SIGSEGV, handler);
	return *(volatile char *)under_handler;
}

static void refused(VMEM *pool)
{
	char *text;

	errno = 0;
	vmem_delete(pool);
	CHECK(errno == EINVAL);
	CHECK(strstr(vmem_errormsg(), "invalid pool handle: 0x") != NULL);
	errno = 0;
	CHECK(vmem_check(pool) == -1 && errno == EINVAL);
	CHECK_REFUSED(vmem_malloc(pool, 8), EINVAL, "invalid pool handle: 0x");
	CHECK_REFUSED(vmem_malloc(pool, 100 * MIB), EINVAL, "invalid pool handle: 0x");
	CHECK_REFUSED(vmem_calloc(pool, 8, 8), EINVAL, "invalid pool handle: 0x");
	CHECK_REFUSED(vmem_calloc(pool, SIZE_MAX, 8), EINVAL, "invalid pool handle: 0x");
	CHECK_REFUSED(vmem_realloc(pool, NULL, 8), EINVAL, "invalid pool handle: 0x");
	CHECK_REFUSED(vmem_realloc(pool, &text, 8), EINVAL, "invalid pool handle: 0x");
	CHECK_REFUSED(vmem_aligned_alloc(pool, 8, 8), EINVAL, "invalid pool handle: 0x");
	CHECK_REFUSED(vmem_strdup(pool, "a"), EINVAL, "invalid pool handle: 0x");
	CHECK_REFUSED(vmem_wcsdup(pool, L"a"), EINVAL, "invalid pool handle: 0x");
	errno = 0;
	CHECK(vmem_malloc_usable_size(pool, &text) == 0 && errno == EINVAL);
	CHECK_ERRNO_KEPT(vmem_free(pool, &text));
	CHECK_ERRNO_KEPT(vmem_free(pool, NULL));
	vmem_stats_print(pool, NULL);
}

int main(void)
{
	VMEM *pool = create(VMEM_MIN_POOL);
	VMEM *gone;
	char *block = vmem_malloc(pool, 1000);
	int status, i;

	status = status_of_child(read_first_page, pool);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	status = status_of_child(write_first_page, pool);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	CHECK(block >= (char *)pool + 4096);
	status = status_of_child(delete_in_handler, NULL);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);

	/* Handles that never were any: refused, not followed. */
	refused(NULL);
	refused((VMEM *)block);
	refused((VMEM *)(uintptr_t)0x1234567000);

	/* Blocks need not be freed; the pool is gone at once, from this thread's caches too. */
	CHECK_ERRNO_KEPT(vmem_delete(pool));
	refused(pool);
	gone = pool;
	for (i = 0; i < 200; i++) {
		pool = create(VMEM_MIN_POOL);
		CHECK(vmem_malloc(pool, 64) != NULL);
		vmem_delete(pool);
		CHECK_REFUSED(vmem_malloc(pool, 64), EINVAL, "invalid pool handle: 0x");
	}
	refused(gone);
	return ended();
}
