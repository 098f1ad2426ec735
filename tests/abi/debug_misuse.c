/* The library for debugging ends the process on wrong use, with one line that says what it was. */
#include "twin.h"

#include <sched.h>

static char foreign;

static void misuse(const char *what)
{
	VMEM *pool = create(VMEM_MIN_POOL);
	VMEM *other = create(VMEM_MIN_POOL);
	char *block = vmem_malloc(pool, 100);
	char *large = vmem_malloc(pool, 100000);
	char *twice = vmem_malloc(pool, 64);

	if (strcmp(what, "twice") == 0) {
		vmem_free(pool, twice);
		vmem_free(pool, twice);
	} else if (strcmp(what, "twice in turn") == 0) {
		vmem_free(pool, block);
		vmem_free(pool, twice);
		vmem_free(pool, block);
	} else if (strcmp(what, "foreign") == 0)
		vmem_free(pool, &foreign);
	else if (strcmp(what, "inside") == 0)
		vmem_free(pool, block + 16);
	else if (strcmp(what, "other pool") == 0)
		vmem_free(other, block);
	else if (strcmp(what, "realloc foreign") == 0)
		(void)!vmem_realloc(pool, &foreign, 10);
	else if (strcmp(what, "usable") == 0)
		(void)vmem_malloc_usable_size(pool, &foreign);
	else if (strcmp(what, "null pool") == 0)
		(void)!vmem_malloc(NULL, 10);
	else if (strcmp(what, "deleted pool") == 0) {
		vmem_delete(other);
		vmem_free(other, block);
	} else if (strcmp(what, "deleted twice") == 0) {
		vmem_delete(other);
		vmem_delete(other);
	} else if (strcmp(what, "overflow") == 0) {
		twice[64] = 'x';
		vmem_free(pool, twice);
	} else if (strcmp(what, "overflow realloc") == 0) {
		twice[64 + 31] = 'x';
		(void)!vmem_realloc(pool, twice, 5000);
	} else if (strcmp(what, "overflow delete") == 0) {
		large[vmem_malloc_usable_size(pool, large)] = 'x';
		vmem_delete(pool);
	} else if (strcmp(what, "poison") == 0) {
		vmem_free(pool, block);
		block[50] = 'x';
		(void)vmem_check(pool);
	}
}

static const char *const deadly[][2] = {
	{ "twice", "the block was freed before" },
	{ "twice in turn", "the block was freed before" },
	{ "foreign", "it is not in the pool" },
	{ "inside", "no block starts there" },
	{ "other pool", "it is not in the pool, but in that at 0x" },
	{ "realloc foreign", "it is not in the pool" },
	{ "usable", "it is not in the pool" },
	{ "null pool", "invalid pool handle: 0x0" },
	{ "deleted pool", "invalid pool handle: 0x" },
	{ "deleted twice", "invalid pool handle: 0x" },
	{ "overflow", "was written behind its end" },
	{ "overflow realloc", "was written behind its end" },
	{ "overflow delete", "was written behind its end" },
};

/* What a program may do. */
static int harmless(void)
{
	VMEM *pool = create(VMEM_MIN_POOL);
	VMEM *gone = create(VMEM_MIN_POOL);
	unsigned char *block = vmem_malloc(pool, 100);
	unsigned char *small = vmem_malloc(pool, 0);
	unsigned char *large = vmem_malloc(pool, 100000);
	unsigned char *zero = vmem_calloc(pool, 100, 1000);
	size_t i;

	vmem_delete(gone);
	CHECK(vmem_check(gone) == -1);
	CHECK(vmem_check(NULL) == -1);
	CHECK_REFUSED(vmem_create(directory(), 1), EINVAL, "smaller than");
	vmem_free(pool, NULL);
	CHECK(vmem_malloc_usable_size(pool, NULL) == 0);

	CHECK(vmem_malloc_usable_size(pool, small) >= 8);
	CHECK(vmem_malloc_usable_size(pool, block) >= 100);
	memset(block, 1, vmem_malloc_usable_size(pool, block));
	for (i = 0; i < 60000; i++)
		CHECK(large[i] == 0xa5);
	for (i = 0; i < 100 * 1000; i++)
		CHECK(zero[i] == 0);
	block = vmem_realloc(pool, block, 200);
	CHECK(block[99] == 1 && block[150] == 0xa5);
	large = vmem_realloc(pool, large, 150000); /* where it is, perhaps */
	CHECK(large[59999] == 0xa5);
	memset(large, 2, 150000);
	vmem_free(pool, block);
	vmem_free(pool, large);
	for (i = 0; i < 200; i++)
		CHECK(block[i] == 0x5a); /* which only a test may read */
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	return ended();
}

/* A child that frees what it inherited makes no mistake. */
static int in_child(void *argument)
{
	void **both = argument;

	errno = 0;
	vmem_free(both[0], both[1]);
	CHECK(vmem_malloc(both[0], 10) == NULL && errno == EBADF);
	vmem_delete(both[0]);
	return failures;
}

static int forks(void)
{
	void *both[2];

	both[0] = create(VMEM_MIN_POOL);
	both[1] = vmem_malloc(both[0], 100);
	CHECK(status_of_child(in_child, both) == 0);
	vmem_delete(both[0]);
	return ended();
}

#define ROUNDS 20000

static VMEM *shared;
static void *raced[ROUNDS];
static int arrived;

/* How often it was told that a block was freed before. */
static void *free_all(void *argument)
{
	unsigned spins = 0;
	long told = 0;
	int i;

	(void)argument;
	for (i = 0; i < ROUNDS; i++) {
		char wanted[32];

		snprintf(wanted, sizeof wanted, "Freeing %p ", raced[i]);
		__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < 2 * (i + 1)) /* sleeping would spread them */
			if (++spins % 1000 == 0)
				sched_yield();
		vmem_free(shared, raced[i]);
		told += strstr(vmem_errormsg(), wanted) != NULL;
	}
	return (void *)told;
}

/* Of two threads that free a block at the same moment one is told. */
static int race(void)
{
	pthread_t other;
	void *told;
	long sum;
	int i;

	shared = create(4 * VMEM_MIN_POOL);
	for (i = 0; i < ROUNDS; i++)
		raced[i] = vmem_malloc(shared, 64);
	require(pthread_create(&other, NULL, free_all, NULL) == 0, "pthread_create");
	sum = (long)free_all(NULL);
	pthread_join(other, &told);
	CHECK(sum + (long)told == ROUNDS);
	CHECK(vmem_check(shared) == 1);
	vmem_delete(shared);
	return ended();
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc > 1) {
		if (strcmp(argv[1], "harmless") == 0)
			return harmless();
		if (strcmp(argv[1], "forks") == 0)
			return forks();
		if (strcmp(argv[1], "race") == 0)
			return race();
		if (strcmp(argv[1], "before any pool") == 0)
			(void)!vmem_malloc((VMEM *)(uintptr_t)4096, 10);
		else
			misuse(argv[1]);
		return 0;
	}
	unsetenv("VMEM_LOG_LEVEL");
	unsetenv("VMEM_LOG_FILE");
	unsetenv("VMEM_MALLOC_CONF");
	/* The shipped library goes on. */
	for (i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
		if (strncmp(deadly[i][0], "overflow", 8) != 0)
			CHECK(succeeded(run_self(deadly[i][0])));
	choose_twin();
	for (i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
		CHECK(aborted(run_self(deadly[i][0])));
		CHECK_SAID("<libvmem>: <1> [");
		CHECK_SAID(deadly[i][1]);
	}
	CHECK(aborted(run_self("before any pool")));
	CHECK(succeeded(run_self("harmless")));
	CHECK(succeeded(run_self("forks")));

	setenv("VMEM_MALLOC_CONF", "abort:false", 1);
	for (i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
		CHECK(succeeded(run_self(deadly[i][0])));
	CHECK(succeeded(run_self("before any pool")));
	CHECK(succeeded(run_self("race")));
	setenv("VMEM_MALLOC_CONF", "hardening:3", 1);
	CHECK(aborted(run_self("poison")));
	CHECK_SAID("was written after it was freed");
	setenv("VMEM_MALLOC_CONF", "redzone:false", 1);
	CHECK(succeeded(run_self("overflow")));
	return ended();
}
