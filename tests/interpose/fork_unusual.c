/*
 * Forks of programs that do what is seldom done: in a constructor, after the working directory or the pool's folder went, with
 * thousands of threads, after children of vfork() that used the heap; and the RAM that a parent with threads comes to use in mode 2,
 * which is bounded and given back.
 */
#include "forks.h"

static char *shared;

static int child(void *argument)
{
	char *mine = hide(malloc(100000));

	CHECK(mine != NULL);
	memset(mine, 1, 100000);
	free(mine);
	CHECK(strcmp(argument, "parent") == 0);
	strcpy(argument, "child");
	return 0;
}

static void fork_well(void)
{
	CHECK(status_of_child(child, shared) == 0);
	CHECK(strcmp(shared, "parent") == 0);
}

static __attribute__((constructor)) void begin(void)
{
	shared = hide(malloc(5000));
	require(shared != NULL, "malloc");
	strcpy(shared, "parent");
	fork_well();
}

/* A relative folder means the same later. */
static void elsewhere(void)
{
	require(chdir("/") == 0, "chdir");
	fork_well();
	fork_well();
}

/* A copy of the file cannot be made where the folder is not any more; in mode 3 it is not needed. */
static void gone(void)
{
	char mode = getenv("VMMALLOC_FORK")[0];
	char *more = hide(malloc(30 * MIB));

	require(more != NULL && rmdir(getenv("VMMALLOC_POOL_DIR")) == 0, "rmdir");
	memset(more, 1, 30 * MIB);
	for (int round = 0; round < 2; round++) {
		int status;

		if (mode != '2') {
			fork_well();
			continue;
		}
		status = status_of_child(child, shared);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
	free(more);
	more = hide(malloc(40 * MIB));
	CHECK(more != NULL);
	memset(more, 1, 40 * MIB);
}

static void after_vfork(void)
{
	for (int i = 0; i < 100; i++) {
		size_t size = 100 + (size_t)i * 1000;
		pid_t pid = vfork();

		if (pid == 0) {
			char *mine = hide(malloc(size));

			if (mine == NULL)
				_exit(1);
			memset(mine, 1, size);
			free(mine);
			if (i % 2 == 0)
				execl("/bin/true", "true", NULL);
			_exit(0);
		}
		CHECK(end_child(pid) == 0);
	}
	fork_well();
}

static pthread_barrier_t barrier;

static void *thread(void *argument)
{
	char *mine = hide(malloc(1000));

	pthread_barrier_wait(&barrier);
	memset(mine, 1, 1000);
	free(mine);
	return argument;
}

static void many_threads(void)
{
	enum { most = 1500 };
	static pthread_t threads[most];
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	pthread_barrier_init(&barrier, NULL, most + 1);
	for (int i = 0; i < most; i++)
		if (pthread_create(&threads[i], &small, thread, NULL) != 0)
			skip("no more threads are to be had");
	fork_well();
	pthread_barrier_wait(&barrier);
	fork_well();
	for (int i = 0; i < most; i++)
		pthread_join(threads[i], NULL);
	fork_well();
}

/* KiB of RAM that are not the file's. */
static long own_memory(void)
{
	char line[200];
	long kib = -1;
	FILE *status = fopen("/proc/self/status", "r");

	require(status != NULL, "opening /proc/self/status");
	while (fgets(line, sizeof line, status) != NULL)
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	fclose(status);
	return kib;
}

enum { pieces = 160 };
static char *piece[pieces];

static void write_pieces(void)
{
	for (int i = 0; i < pieces; i++) {
		if (piece[i] == NULL)
			piece[i] = hide(malloc(MIB / 4));
		require(piece[i] != NULL, "malloc");
		memset(piece[i], i, MIB / 4);
	}
}

static void free_pieces(void)
{
	for (int i = 0; i < pieces; i++) {
		free(piece[i]);
		piece[i] = NULL;
	}
}

static void bounded(void)
{
	long before, kib, live = pieces * 256;
	pthread_t other;

	pthread_barrier_init(&barrier, NULL, 2);
	require(pthread_create(&other, NULL, thread, NULL) == 0, "pthread_create");
	write_pieces();
	before = own_memory();
	for (int round = 0; round < 12; round++) {
		fork_well();
		write_pieces();
		if (round % 5 == 4) {
			free_pieces();
			write_pieces();
		}
	}
	kib = own_memory() - before;
	CHECK(kib < live + live / 8);
	for (int round = 0; round < 3; round++) {
		free_pieces();
		malloc_trim(0);
		write_pieces();
	}
	kib = own_memory() - before;
	CHECK(kib < live / 8);
	pthread_barrier_wait(&barrier);
	pthread_join(other, NULL);
	free_pieces();
}

static const struct {
	const char *name, *modes;
	void (*body)(void);
} cases[] = {
	{ "elsewhere", "2", elsewhere },
	{ "gone", "123", gone },
	{ "vfork", "12", after_vfork },
	{ "threads", "12", many_threads },
	{ "bounded", "2", bounded },
};

static void start(const char *name, char mode)
{
	char word[2] = { mode, '\0' }, folder[40] = "/dev/shm/vmem-test-XXXXXX";
	static char output[8192];
	struct variables in;
	int status;

	copy_environment(&in);
	set_variable(&in, "VMMALLOC_FORK", word);
	set_variable(&in, "VMMALLOC_POOL_MAX_SIZE", "256MiB");
	if (strcmp(name, "gone") == 0) {
		require(mkdtemp(folder) != NULL, "mkdtemp");
		set_variable(&in, "VMMALLOC_POOL_DIR", folder);
	} else if (strcmp(name, "elsewhere") == 0) {
		require(chdir("/dev/shm") == 0, "chdir");
		set_variable(&in, "VMMALLOC_POOL_DIR", "../shm");
	}
	status = run_self(name, &in, output, sizeof output);
	if (status != 0) {
		failures++;
		printf("\"%s\" in mode %c ended with status 0x%x:\n%s\n", name, mode, (unsigned)status, output);
	}
	if (strcmp(name, "gone") == 0)
		CHECK((strstr(output, "vmem pool cloning failed: No such file or directory\n") != NULL) == (mode == '2'));
}

int main(int arguments, char *words[])
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (arguments == 1)
			for (const char *mode = cases[i].modes; *mode != '\0'; mode++)
				start(cases[i].name, *mode);
		else if (strcmp(words[1], cases[i].name) == 0) {
			alarm(60);
			cases[i].body();
		}
	}
	return ended();
}
