/* The conf string: what each of its options does, and that wrong ones are named and do no harm. */
#include "test.h"

#include <signal.h>

static char printed[16384];

static void keep(const char *text)
{
	strncat(printed, text, sizeof printed - strlen(printed) - 1);
}

/* The first pool of the process, under a conf string. */
static VMEM *create_with(const char *conf)
{
	setenv("VMEM_MALLOC_CONF", conf, 1);
	setenv("VMEM_LOG_LEVEL", "1", 1);
	vmem_set_funcs(NULL, NULL, NULL, NULL, keep);
	return create(VMEM_MIN_POOL);
}

static int says(VMEM *pool, const char *line)
{
	printed[0] = '\0';
	vmem_stats_print(pool, "");
	return strstr(printed, line) != NULL;
}

static int all(const void *block, size_t size, unsigned char byte)
{
	const unsigned char *bytes = block;
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i] != byte)
			return 0;
	return 1;
}

static void *take_one(void *pool)
{
	CHECK(vmem_malloc(pool, 64) != NULL);
	return NULL;
}

static int narenas(void *argument)
{
	VMEM *pool = create_with("narenas:5");
	pthread_t thread;
	int i;

	(void)argument;
	CHECK(says(pool, "Arenas: 5\n"));
	for (i = 0; i < 7; i++) {
		CHECK(pthread_create(&thread, NULL, take_one, pool) == 0);
		pthread_join(thread, NULL);
	}
	CHECK(vmem_check(pool) == 1);
	return failures;
}

/* Bytes in caches after blocks of several sizes were allocated and freed. */
static int cached(VMEM *pool, size_t size)
{
	void *blocks[20];
	int i;

	for (i = 0; i < 20; i++)
		CHECK((blocks[i] = vmem_malloc(pool, size)) != NULL);
	for (i = 0; i < 20; i++)
		vmem_free(pool, blocks[i]);
	return !says(pool, "cached in threads and depots: 0\n");
}

static int tcache(void *argument)
{
	VMEM *pool = create_with("tcache:false");

	(void)argument;
	CHECK(!cached(pool, 64) && !cached(pool, 20000));
	CHECK(says(pool, "opt.tcache: false\n") && says(pool, "Allocated: 0,"));
	return failures;
}

static int tcache_max(void *argument)
{
	VMEM *pool = create_with("lg_tcache_max:12");

	(void)argument;
	CHECK(!cached(pool, 5000) && !cached(pool, 20000));
	CHECK(cached(pool, 4096));
	CHECK(says(pool, "opt.lg_tcache_max: 12\n"));
	return failures;
}

static int zero(void *argument)
{
	static const size_t sizes[] = { 1, 100, 5000, 20000, 300000, 3000000 };
	VMEM *pool = create_with("zero:true");
	size_t i, round;

	(void)argument;
	for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (round = 0; round < 3; round++) {
			char *block = vmem_malloc(pool, sizes[i]);
			require(block != NULL, "vmem_malloc");
			CHECK(all(block, sizes[i], 0));
			memset(block, 1, sizes[i]);
			block = vmem_realloc(pool, block, 2 * sizes[i]);
			require(block != NULL, "vmem_realloc");
			CHECK(all(block, sizes[i], 1));
			/* What the old block had beyond its size may be anything but new. */
			CHECK(all(block + vmem_malloc_usable_size(pool, block) / 4 * 3, sizes[i] / 4, 0));
			memset(block, 1, 2 * sizes[i]);
			vmem_free(pool, block);
		}
	return failures;
}

static int junk(void *words)
{
	int at_alloc = strcmp(words, "junk:free") != 0, at_free = strcmp(words, "junk:alloc") != 0;
	VMEM *pool = create_with(words);
	unsigned char *block;
	size_t size;

	for (size = 50; size < 64000; size *= 7) {
		block = vmem_malloc(pool, size);
		require(block != NULL, "vmem_malloc");
		CHECK(!at_alloc || all(block, size, 0xa5));
		memset(block, 1, size);
		vmem_free(pool, block);
		/* Freed blocks can still be read: they wait in the thread's cache. */
		CHECK(all(block, size, at_free ? 0x5a : 1));
	}
	for (size = 50; size < 8 * MIB; size *= 7) {
		CHECK((block = vmem_calloc(pool, 1, size)) != NULL && all(block, size, 0));
		CHECK((block = vmem_realloc(pool, block, size + size / 2)) != NULL && all(block, size, 0));
		vmem_free(pool, block);
	}
	return failures;
}

static int freed_twice(void *conf)
{
	VMEM *pool = create_with(conf);
	void *block = vmem_malloc(pool, 100);

	vmem_free(pool, block);
	vmem_free(pool, block);
	CHECK(vmem_check(pool) == 1); /* the latest moment at which level 1 notices */
	CHECK(strstr(printed, "<libvmem>: <1> Freeing 0x") != NULL);
	return failures;
}

static int freed_twice_quietly(void *conf)
{
	setenv("VMEM_LOG_FILE", getenv("CONF_TEST_FILE"), 1);
	unsetenv("VMEM_LOG_LEVEL");
	setenv("VMEM_MALLOC_CONF", conf, 1);
	vmem_free(create(VMEM_MIN_POOL), conf);
	return 0;
}

static void check_abort(void)
{
	static char path[256];
	char text[256] = "";
	FILE *file;
	int status;

	status = status_of_child(freed_twice, "abort:true");
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	status = status_of_child(freed_twice, "abort:true,hardening:2");
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(status_of_child(freed_twice, "abort:false") == 0);
	/* The reason is told even if the log is off. */
	snprintf(path, sizeof path, "%s/vmem-test-conf-%ld", directory(), (long)getpid());
	setenv("CONF_TEST_FILE", path, 1);
	status = status_of_child(freed_twice_quietly, "abort:true");
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	file = fopen(path, "r");
	CHECK(file != NULL && fgets(text, sizeof text, file) != NULL);
	CHECK(strncmp(text, "<libvmem>: <1> Freeing 0x", 25) == 0);
	if (file != NULL)
		fclose(file);
	unlink(path);
}

/* Ends by exit(), in contrast to other bodies, so that what happens then happens. */
static int statistics(void *conf)
{
	VMEM *deleted, *pool;

	setenv("VMEM_LOG_FILE", getenv("CONF_TEST_FILE"), 1);
	setenv("VMEM_MALLOC_CONF", conf, 1);
	deleted = create(VMEM_MIN_POOL);
	pool = create(VMEM_MIN_POOL);
	CHECK(vmem_malloc(pool, 3 * MIB) != NULL);
	CHECK(vmem_malloc(create(VMEM_MIN_POOL), 4 * MIB) != NULL);
	vmem_delete(deleted);
	exit(failures);
}

static void check_stats_print(void)
{
	static char path[256], text[16384];
	size_t length;
	FILE *file;
	char *found;
	int pools = 0;

	snprintf(path, sizeof path, "%s/vmem-test-conf-%ld", directory(), (long)getpid());
	setenv("CONF_TEST_FILE", path, 1);
	CHECK(status_of_child(statistics, "stats_print:false") == 0);
	CHECK(access(path, F_OK) != 0);
	CHECK(status_of_child(statistics, "stats_print:true") == 0);
	file = fopen(path, "r");
	require(file != NULL, "nothing was printed at exit");
	length = fread(text, 1, sizeof text - 1, file);
	text[length] = '\0';
	fclose(file);
	unlink(path);
	for (found = text; (found = strstr(found, "___ Begin vmem statistics ___")) != NULL; found++)
		pools++;
	CHECK(pools == 2);
	CHECK(strstr(text, "Allocated: 3145728,") != NULL && strstr(text, "Allocated: 4194304,") != NULL);
}

/* Free a, free b, free a: no block is handed out twice, and the third is refused at once. */
static int hardening_2(void *conf)
{
	VMEM *pool = create_with(conf);
	size_t size;
	void *a, *b, *blocks[1000];
	int i, j;

	for (size = 1; size < 2 * MIB; size *= 9) {
		/* Where a run was that no cache keeps, there is no block any more. */
		const char *reason = size > MIB / 4 ? "no block starts there" : "the block was freed before";
		CHECK((a = vmem_malloc(pool, size)) != NULL);
		CHECK((b = vmem_malloc(pool, size)) != NULL);
		vmem_free(pool, a);
		vmem_free(pool, b);
		printed[0] = '\0';
		vmem_free(pool, a);
		CHECK(strstr(printed, reason) != NULL);
		CHECK_REFUSED(vmem_realloc(pool, a, 2 * size), EINVAL, reason);
		if (size > 50)
			vmem_free(pool, (char *)b + 1);
		for (i = 0; i < 4; i++) {
			CHECK((blocks[i] = vmem_malloc(pool, size)) != NULL);
			for (j = 0; j < i; j++)
				CHECK(blocks[i] != blocks[j]);
		}
		for (i = 0; i < 4; i++)
			vmem_free(pool, blocks[i]);
	}
	CHECK(vmem_check(pool) == 1);
	for (i = 0; i < 1000; i++) {
		CHECK((blocks[i] = vmem_malloc(pool, 64)) != NULL);
		memset(blocks[i], i, 64);
	}
	for (i = 0; i < 1000; i++) {
		CHECK(all(blocks[i], 64, (unsigned char)i));
		vmem_free(pool, blocks[i]);
	}
	/* Freed blocks of level 3 count until they leave the quarantine; checking empties it. */
	CHECK(vmem_check(pool) == 1);
	CHECK(says(pool, "Allocated: 0,"));
	vmem_delete(pool);
	return failures;
}

static int hardening_3(void *argument)
{
	VMEM *pool = create_with("hardening:3");
	char *block = vmem_malloc(pool, 100);

	(void)argument;
	vmem_free(pool, block);
	CHECK(all(block, 100, 0x5a));
	block[10] = 1;
	printed[0] = '\0';
	CHECK(vmem_check(pool) == 1);
	CHECK(strstr(printed, "was written after it was freed") != NULL);
	CHECK(strstr(vmem_errormsg(), "was written after it was freed") != NULL);
	return failures;
}

/* A run ends in a page that faults. */
static int guard(void *beyond)
{
	VMEM *pool = create_with("hardening:3");
	char *block = vmem_malloc(pool, 100000);

	block[vmem_malloc_usable_size(pool, block) - 1] = 1;
	if (beyond != NULL)
		block[vmem_malloc_usable_size(pool, block)] = 1;
	return failures;
}

/* A region is the program's again after the pool, guard pages included. */
static int region(void *argument)
{
	static char *memory;
	VMEM *pool;

	(void)argument;
	setenv("VMEM_MALLOC_CONF", "hardening:3", 1);
	memory = mmap(NULL, VMEM_MIN_POOL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(memory != MAP_FAILED, "mmap");
	pool = vmem_create_in_region(memory, VMEM_MIN_POOL);
	CHECK(vmem_malloc(pool, 100000) != NULL);
	CHECK(vmem_malloc(pool, 200000) != NULL);
	vmem_delete(pool);
	memset(memory, 1, VMEM_MIN_POOL);
	return failures;
}

static int wrong(void *argument)
{
	VMEM *pool = create_with("narenas:0,prof:true,nonsense,hardening:2,no\nsuch:thing,tcache:off");

	(void)argument;
	CHECK(strstr(printed, "<libvmem>: <1> Setting \"narenas:0\" of VMEM_MALLOC_CONF ignored: allowed are 1 to 1024\n") != NULL);
	CHECK(strstr(printed, "Setting \"prof:true\" of VMEM_MALLOC_CONF ignored: vmem has no profiler\n") != NULL);
	CHECK(strstr(printed, "Setting \"nonsense\" of VMEM_MALLOC_CONF ignored: it is not written as name:value\n") != NULL);
	CHECK(strstr(printed, "Setting \"no\\x0asuch:thing\" of VMEM_MALLOC_CONF ignored: there is no such option\n") != NULL);
	CHECK(strstr(printed, "Setting \"tcache:off\" of VMEM_MALLOC_CONF ignored: allowed are true and false\n") != NULL);
	CHECK(says(pool, "opt.hardening: 2\n"));
	/* It is read once. */
	setenv("VMEM_MALLOC_CONF", "hardening:0", 1);
	CHECK(says(create(VMEM_MIN_POOL), "opt.hardening: 2\n"));
	return failures;
}

static int alias(void *argument)
{
	VMEM *pool;

	(void)argument;
	setenv("JE_VMEM_MALLOC_CONF", "narenas:3,dirty_decay_ms:77,zero:true", 1);
	pool = create_with("narenas:2,zero:maybe");
	CHECK(says(pool, "Arenas: 2\n") && says(pool, "opt.dirty_decay_ms: 77\n") && says(pool, "opt.zero: true\n"));
	return failures;
}

int main(void)
{
	CHECK(status_of_child(narenas, NULL) == 0);
	CHECK(status_of_child(tcache, NULL) == 0);
	CHECK(status_of_child(tcache_max, NULL) == 0);
	CHECK(status_of_child(zero, NULL) == 0);
	CHECK(status_of_child(junk, "junk:true") == 0);
	CHECK(status_of_child(junk, "junk:alloc") == 0);
	CHECK(status_of_child(junk, "junk:free") == 0);
	check_abort();
	check_stats_print();
	CHECK(status_of_child(hardening_2, "hardening:2") == 0);
	CHECK(status_of_child(hardening_2, "hardening:3") == 0);
	CHECK(status_of_child(hardening_3, NULL) == 0);
	CHECK(status_of_child(guard, NULL) == 0);
	CHECK(WIFSIGNALED(status_of_child(guard, "beyond")));
	CHECK(status_of_child(region, NULL) == 0);
	CHECK(status_of_child(wrong, NULL) == 0);
	CHECK(status_of_child(alias, NULL) == 0);
	return ended();
}
