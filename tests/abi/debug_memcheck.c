/*
 * What Valgrind's memcheck says of programs on the library for debugging: nothing where nothing is wrong, else where a block
 * that is lost, freed, overrun or not yet written was allocated.
 */
#include "twin.h"

static unsigned sink;

static void *in_thread(void *argument)
{
	VMEM *pool = argument;
	void *blocks[50];
	int i;
	int round;

	for (round = 0; round < 4; round++) {
		for (i = 0; i < 50; i++) {
			blocks[i] = vmem_malloc(pool, (size_t)i * 37 + 1);
			memset(blocks[i], i, (size_t)i * 37 + 1);
		}
		for (i = 0; i < 50; i++)
			vmem_free(pool, blocks[i]);
	}
	return NULL;
}

static int read_in_child(void *block)
{
	return ((char *)block)[7] == 7 ? 0 : 1;
}

/* All that a program may do, and leaves behind only what goes with its pool. */
static void everything(VMEM *pool)
{
	unsigned char *a = vmem_malloc(pool, 100);
	unsigned char *b = vmem_calloc(pool, 10, 10);
	unsigned char *c = vmem_aligned_alloc(pool, 4096, 100);
	unsigned char *d = vmem_calloc(pool, 1, 200000);
	unsigned char *e = vmem_malloc(pool, 0);
	char *text = vmem_strdup(pool, "some text");
	pthread_t threads[2];
	size_t i;

	memset(a, 7, 100);
	for (i = 0; i < 100; i++)
		sink += b[i];
	for (i = 0; i < 200000; i++)
		sink += d[i];
	sink += (unsigned)strlen(text);
	a = vmem_realloc(pool, a, 110); /* in place */
	memset(a + 100, 8, 10);
	a = vmem_realloc(pool, a, 50);
	a = vmem_realloc(pool, a, 5000); /* elsewhere */
	CHECK(a[49] == 7);
	memset(a, 7, 5000);
	d = vmem_realloc(pool, d, 2000000);
	memset(d, 9, 2000000);
	d = vmem_realloc(pool, d, 300000); /* a run, in place */
	CHECK(d[299999] == 9);
	memset(c, 1, vmem_malloc_usable_size(pool, c));
	vmem_free(pool, e);
	CHECK(pthread_create(&threads[0], NULL, in_thread, pool) == 0);
	CHECK(pthread_create(&threads[1], NULL, in_thread, pool) == 0);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	CHECK(status_of_child(read_in_child, a) == 0);
	CHECK(vmem_check(pool) == 1);
	vmem_free(pool, b);
	b = vmem_malloc(pool, 100); /* from the cache */
	memset(b, 1, 100);
	vmem_free(pool, b);
	vmem_free(pool, text);
}

static int clean(void)
{
	size_t size = VMEM_MIN_POOL;
	char *region = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	VMEM *pool = create(2 * VMEM_MIN_POOL);

	everything(pool);
	vmem_delete(pool);
	require(region != MAP_FAILED, "mmap");
	pool = vmem_create_in_region(region, size);
	require(pool != NULL, "vmem_create_in_region");
	everything(pool);
	vmem_delete(pool);
	memset(region, 1, size); /* it is the program's again */
	sink += (unsigned)region[size - 1];
	return ended();
}

static int wrong(void)
{
	VMEM *pool = create(VMEM_MIN_POOL);
	unsigned char *freed = vmem_malloc(pool, 101);
	unsigned char *full = vmem_malloc(pool, 64);
	unsigned char *odd = vmem_malloc(pool, 103);
	unsigned char *unwritten = vmem_malloc(pool, 104);
	unsigned char *moved = vmem_malloc(pool, 105);
	unsigned char *volatile lost = vmem_malloc(pool, 1007);

	memset(lost, 1, 1007);
	lost = NULL;
	memset(freed, 1, 101);
	vmem_free(pool, freed);
	sink += freed[20]; /* in the cache */
	full[64] = full[64 + 8] = 1;
	odd[103] = 1;
	if (unwritten[1] == 3)
		sink++;
	memset(moved, 1, 105);
	(void)!vmem_realloc(pool, moved, 9000);
	sink += moved[30];
	vmem_free(pool, unwritten);
	vmem_free(pool, unwritten);
	return 0;
}

static int has_valgrind(void)
{
	static const char *const words[] = { "valgrind", "-q", "true", NULL };

	return succeeded(run(words));
}

static int under_valgrind(const char *what)
{
	static char program[4300];
	static const char *words[] = { "valgrind", "-q", "--leak-check=full", "--error-exitcode=9", program, NULL, NULL };

	snprintf(program, sizeof program, "%s/debug_memcheck", own_folder());
	words[5] = what;
	return run(words);
}

int main(int argc, char **argv)
{
	int status;

	if (argc > 1)
		return strcmp(argv[1], "clean") == 0 ? clean() : wrong();
	if (!has_valgrind())
		skip("valgrind is not installed");
	unsetenv("VMEM_LOG_LEVEL");
	unsetenv("VMEM_LOG_FILE");
	unsetenv("VMEM_MALLOC_CONF");
	choose_twin();
	CHECK(succeeded(under_valgrind("clean")));
	CHECK(said[0] == '\0' || (printf("%s\n", said), 0));

	setenv("VMEM_MALLOC_CONF", "abort:false", 1);
	status = under_valgrind("wrong");
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 9);
	CHECK_SAID("20 bytes inside a block of size 101 free'd");
	CHECK_SAID("0 bytes after a block of size 64 alloc'd");
	CHECK_SAID("8 bytes after a block of size 64 alloc'd");
	CHECK_SAID("0 bytes after a block of size 103 alloc'd");
	CHECK_SAID("Conditional jump or move depends on uninitialised value");
	CHECK_SAID("30 bytes inside a block of size 105 free'd");
	CHECK_SAID("Invalid free()");
	CHECK_SAID("0 bytes inside a block of size 104 free'd");
	CHECK_SAID("1,007 bytes in 1 blocks are definitely lost");
	return ended();
}
