/* The variables of the environment: each is tried by this program run again with it. */
#include "test.h"

static const char *self;

/* What the last run said on standard error. */
static char said[1000];

static int run(const char *setting, const char *test)
{
	FILE *errors = tmpfile();
	char name[100];
	char *value;
	pid_t child;
	int status = -1;

	require(errors != NULL, "tmpfile");
	fflush(stdout);
	child = fork();
	require(child >= 0, "fork");
	if (child == 0) {
		snprintf(name, sizeof(name), "%s", setting);
		value = strchr(name, '=');
		*value = 0;
		setenv(name, value + 1, 1);
		dup2(fileno(errors), 2);
		execl(self, self, test, (char *)NULL);
		_exit(99);
	}
	require(waitpid(child, &status, 0) == child, "waitpid");
	rewind(errors);
	said[fread(said, 1, sizeof(said) - 1, errors)] = '\0';
	fclose(errors);
	return status;
}

static int aborted(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static int hog(void)
{
	memkind_t kind = create_with(directory(), 64 * MIB, MEMKIND_MEM_USAGE_POLICY_CONSERVATIVE);
	void *block = memkind_malloc(kind, 20 * MIB);
	size_t before = storage(kind);
	memkind_free(kind, block);
	CHECK(storage(kind) == before);
	memkind_destroy_kind(kind);
	return ended();
}

static int arenas(void)
{
	memkind_t kind = create(64 * MIB);
	CHECK(memkind_malloc(kind, 100) != NULL);
	CHECK(((unsigned *)kind)[20] == 3); /* arena_map_len */
	memkind_destroy_kind(kind);
	return ended();
}

static int no_arenas(void)
{
	memkind_t kind = (memkind_t)&failures;
	CHECK(memkind_create_pmem(directory(), 0, &kind) == MEMKIND_ERROR_ENVIRON && kind == NULL);
	return ended();
}

static int fast_nodes(void)
{
	void *block;
	CHECK(memkind_check_available(MEMKIND_HBW) == MEMKIND_SUCCESS && memkind_check_available(MEMKIND_HBW_ALL) == MEMKIND_SUCCESS);
	CHECK(memkind_check_available(MEMKIND_HBW_HUGETLB) == MEMKIND_ERROR_HUGETLB);
	block = memkind_malloc(MEMKIND_HBW, 100000);
	CHECK(block != NULL && memkind_detect_kind(block) == MEMKIND_HBW);
	CHECK(memkind_get_capacity(MEMKIND_HBW) > 0 && memkind_get_capacity(MEMKIND_HBW_PREFERRED) == -1);
	memkind_free(NULL, block);
	return ended();
}

static int no_fast_nodes(void)
{
	CHECK(memkind_check_available(MEMKIND_HBW) == MEMKIND_ERROR_ENVIRON);
	CHECK_CALL(memkind_malloc(MEMKIND_HBW, 100), NULL, ENOMEM);
	return ended();
}

static int device_nodes(void)
{
	void *block = memkind_malloc(MEMKIND_DAX_KMEM_INTERLEAVE, 100);
	CHECK(memkind_check_available(MEMKIND_DAX_KMEM) == MEMKIND_SUCCESS);
	CHECK(block != NULL && memkind_detect_kind(block) == MEMKIND_DAX_KMEM_INTERLEAVE);
	return ended();
}

static int no_device_nodes(void)
{
	CHECK(memkind_check_available(MEMKIND_DAX_KMEM) == MEMKIND_ERROR_ENVIRON);
	CHECK(memkind_check_available(MEMKIND_DAX_KMEM_ALL) == MEMKIND_ERROR_ENVIRON);
	CHECK_CALL(memkind_malloc(MEMKIND_DAX_KMEM_PREFERRED, 100), NULL, ENOMEM);
	return ended();
}

/* Nothing is said: what this machine lacks says so. */
static int nothing(void)
{
	CHECK(memkind_check_available(MEMKIND_DEFAULT) == MEMKIND_SUCCESS);
	CHECK(memkind_check_available(MEMKIND_REGULAR) == MEMKIND_SUCCESS);
	CHECK(memkind_check_available(MEMKIND_HBW) == MEMKIND_ERROR_MEMTYPE_NOT_AVAILABLE);
	CHECK(memkind_check_available(MEMKIND_HUGETLB) == MEMKIND_ERROR_HUGETLB);
	CHECK(memkind_check_available(MEMKIND_DAX_KMEM) == MEMKIND_ERROR_UNAVAILABLE);
	CHECK_CALL(memkind_malloc(MEMKIND_HBW, 100), NULL, ENOMEM);
	CHECK_CALL(memkind_malloc(MEMKIND_DAX_KMEM, 100), NULL, ENOMEM);
	CHECK_CALL(memkind_malloc(MEMKIND_HUGETLB, 100), NULL, ENOMEM);
	CHECK(memkind_get_capacity(MEMKIND_DEFAULT) > (ssize_t)(256 * MIB));
	CHECK(memkind_get_capacity(MEMKIND_HIGHEST_CAPACITY_PREFERRED) == -1 && memkind_get_capacity(MEMKIND_HBW) == -1);
	return ended();
}

static const struct {
	const char *name;
	int (*run)(void);
} tests[] = {
	{"hog", hog}, {"arenas", arenas}, {"no_arenas", no_arenas}, {"fast_nodes", fast_nodes},
	{"no_fast_nodes", no_fast_nodes}, {"device_nodes", device_nodes},
	{"no_device_nodes", no_device_nodes}, {"nothing", nothing},
};

int main(int argc, char **argv)
{
	size_t i;

	self = argv[0];
	for (i = 0; argc > 1 && i < sizeof(tests) / sizeof(*tests); i++)
		if (strcmp(argv[1], tests[i].name) == 0)
			return tests[i].run();
	CHECK(run("MEMKIND_UNKNOWN=1", "nothing") == 0 && said[0] == '\0');
	CHECK(run("MEMKIND_HOG_MEMORY=1", "hog") == 0);
	CHECK(run("MEMKIND_ARENA_NUM_PER_KIND=3", "arenas") == 0);
	CHECK(run("MEMKIND_ARENA_NUM_PER_KIND=0", "no_arenas") == 0);
	CHECK(run("MEMKIND_ARENA_NUM_PER_KIND=abc", "no_arenas") == 0);
	CHECK(run("MEMKIND_HBW_NODES=0", "fast_nodes") == 0);
	CHECK(run("MEMKIND_HBW_NODES=63", "no_fast_nodes") == 0);
	CHECK(run("MEMKIND_HBW_NODES=abc", "no_fast_nodes") == 0);
	CHECK(run("MEMKIND_DAX_KMEM_NODES=0", "device_nodes") == 0);
	CHECK(run("MEMKIND_DAX_KMEM_NODES=63", "no_device_nodes") == 0);
	CHECK(run("MEMKIND_DAX_KMEM_NODES=abc", "no_device_nodes") == 0);
	CHECK(run("MEMKIND_DEBUG=1", "nothing") == 0 && strstr(said, "MEMKIND_ERROR: Using kind \"memkind_hbw\" failed") != NULL);
	CHECK(run("MEMKIND_DEBUG=0", "nothing") == 0 && said[0] == '\0');
	CHECK(run("MEMKIND_DEBUG=2", "nothing") == 0 && strstr(said, "MEMKIND_WARNING: MEMKIND_DEBUG=\"2\" ignored") != NULL);
	CHECK(run("MEMKIND_BACKGROUND_THREAD_LIMIT=0", "nothing") == 0);
	CHECK(aborted(run("MEMKIND_BACKGROUND_THREAD_LIMIT=abc", "nothing")));
	CHECK(aborted(run("MEMKIND_BACKGROUND_THREAD_LIMIT=-1", "nothing")));
	CHECK(strstr(said, "MEMKIND_FATAL: MEMKIND_BACKGROUND_THREAD_LIMIT") != NULL);
	CHECK(run("MEMKIND_HEAP_MANAGER=JEMALLOC", "nothing") == 0);
	CHECK(aborted(run("MEMKIND_HEAP_MANAGER=TBB", "nothing")));
	CHECK(strstr(said, "MEMKIND_FATAL: MEMKIND_HEAP_MANAGER") != NULL);
	return ended();
}
