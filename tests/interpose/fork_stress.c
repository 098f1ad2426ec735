/*
 * Everything at once: threads that allocate, several of them making processes in every way, children that work, have
 * threads, fork and execute programs. Each block carries what it must hold, so that one given twice, or changed from the other side
 * of a fork, shows. Without an argument briefly in each mode; arguments: seconds a mode, threads.
 */
#include "forks.h"
#include <sched.h>
#include <sys/mount.h>
#include <time.h>

enum { slots = 48, shared_slots = 64, deepest = 3 };

struct block {
	uint32_t size, seed;
	uint64_t words[];
};

struct worker {
	uint64_t random;
	struct block *mine[slots];
	int forks;
};

static struct block *shared[shared_slots];
static volatile int stop;
static char mode = '1';
static double seconds = 1;
static int threads = 6;
/* Where the file system is nearly full, memory may run out; nothing else may happen. */
static int tight;
static int copied;
static int depth;
static long processes;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void wrong(const char *what)
{
	char line[200];
	int length = snprintf(line, sizeof line, "process %d at depth %d: %s\n", (int)getpid(), depth, what);

	if (write(1, line, (size_t)length) != length)
		_exit(98);
	__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
}

static uint32_t next(struct worker *w)
{
	w->random = w->random * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(w->random >> 33);
}

static void fill(struct block *b, uint32_t size, uint32_t seed)
{
	b->size = size;
	b->seed = seed;
	for (uint32_t i = 0; i < size / 8; i++)
		b->words[i] = (uint64_t)seed << 32 | i;
}

static int whole(const struct block *b, uint32_t length)
{
	for (uint32_t i = 0; i < length / 8; i++)
		if (b->words[i] != ((uint64_t)b->seed << 32 | i))
			return 0;
	return 1;
}

static void check(const struct block *b)
{
	if (b->size > MIB || !whole(b, b->size))
		wrong("a block has changed");
}

static uint32_t some_size(struct worker *w)
{
	uint32_t kind = next(w) % 100, any = next(w);

	return kind < 80 ? any % 500 : kind < 97 ? any % 10000 : kind < 99 ? any % 100000 : any % 900000;
}

static struct block *make(struct worker *w)
{
	uint32_t size = some_size(w), kind = next(w) % 8;
	size_t all = sizeof(struct block) + size;
	void *b = NULL;

	if (kind == 0) {
		b = hide(calloc(1, all));
		if (b != NULL && !all_are(b, 0, all))
			wrong("calloc is not zero");
	} else if (kind == 1) {
		if (posix_memalign(&b, (size_t)16 << next(w) % 9, all) != 0)
			b = NULL;
	} else
		b = hide(malloc(all));
	if (b == NULL) {
		if (!tight)
			wrong("out of memory");
		return NULL;
	}
	fill(b, size, next(w));
	return b;
}

static void resize(struct worker *w, struct block **at)
{
	uint32_t size = some_size(w);
	struct block *b = hide(realloc(*at, sizeof *b + size));

	if (b == NULL) {
		if (!tight)
			wrong("out of memory");
		return;
	}
	if (!whole(b, b->size < size ? b->size : size))
		wrong("realloc has lost something");
	fill(b, size, b->seed);
	*at = b;
}

static void step(struct worker *w)
{
	struct block **at = &w->mine[next(w) % slots];
	uint32_t kind = next(w) % 10;

	if (*at == NULL)
		*at = make(w);
	else if (kind < 4) {
		check(*at);
		free(*at);
		*at = NULL;
	} else if (kind < 6)
		resize(w, at);
	else if (kind < 9) {
		*at = __atomic_exchange_n(&shared[next(w) % shared_slots], *at, __ATOMIC_ACQ_REL);
		if (*at != NULL)
			check(*at);
	} else if (next(w) % 500 == 0)
		malloc_trim(0);
}

static void *work(void *argument)
{
	struct worker *w = argument;

	while (!stop)
		step(w);
	return NULL;
}

static void empty(struct worker *w)
{
	for (int i = 0; i < slots; i++) {
		if (w->mine[i] != NULL)
			check(w->mine[i]);
		free(w->mine[i]);
		w->mine[i] = NULL;
	}
}

static void some_way(struct worker *w);

static void *brief(void *argument)
{
	struct worker mine = { .random = (uintptr_t)argument };

	for (int i = 0; i < 300; i++)
		step(&mine);
	empty(&mine);
	return NULL;
}

/* In the child: what there was at the moment of the fork, and a life of its own. */
static void child(struct worker *w)
{
	uint32_t kind = next(w);
	pthread_t others[2];
	int made = 0;

	depth++;
	failures = 0;
	stop = 0;
	alarm(100);
	if (mode == '0')
		_exit(0);
	w->random ^= (uint64_t)getpid() << 20;
	for (int i = 0; i < shared_slots; i++)
		if (copied && depth == 1)
			shared[i] = NULL;
		else if (shared[i] != NULL)
			check(shared[i]);
	if (kind % 3 == 0)
		while (made < 2 && pthread_create(&others[made], NULL, brief, (void *)(uintptr_t)next(w)) == 0)
			made++;
	for (uint32_t i = next(w) % 500; i > 0; i--)
		step(w);
	if (depth < deepest && kind % 5 < 2)
		some_way(w);
	for (int i = 0; i < made; i++)
		pthread_join(others[i], NULL);
	empty(w);
	/* What is executed makes a pool of its own. */
	if (failures == 0 && !tight && kind % 7 == 0)
		execl("/bin/true", "true", NULL);
	if (kind % 11 == 0)
		exit(failures != 0);
	_exit(failures != 0);
}

static void ended_well(pid_t pid, const char *how)
{
	char line[100];
	int status;

	if (pid < 0) {
		if (errno != EAGAIN)
			wrong(how);
		return;
	}
	status = end_child(pid);
	__atomic_add_fetch(&processes, 1, __ATOMIC_RELAXED);
	/* What a full file system does in mode 2. */
	if (status == 0 || (tight && mode == '2' && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT))
		return;
	snprintf(line, sizeof line, "%s ended with status 0x%x", how, (unsigned)status);
	wrong(line);
}

static void some_way(struct worker *w)
{
	static char *const words[] = { (char *)"true", NULL };
	uint32_t kind = next(w) % 40;
	pid_t pid = 0;
	FILE *output;

	/* In mode 0, and where it copies, a child goes through the list of streams while the parent's threads change it. */
	if (kind == 0 && !tight) {
		CHECK(system("exit 0") == 0);
	} else if (kind == 1 && !tight && mode != '0' && !copied) {
		char text[20] = "";

		output = popen("echo text", "r");
		if (output == NULL || fgets(text, sizeof text, output) == NULL || strcmp(text, "text\n") != 0 || pclose(output) != 0)
			wrong("popen");
	} else if (kind == 2 && !tight) {
		errno = posix_spawn(&pid, "/bin/true", NULL, NULL, words, environ);
		ended_well(errno == 0 ? pid : -1, "posix_spawn");
	} else if (kind == 3 && !tight) {
		pid = vfork();
		if (pid == 0) {
			execv("/bin/true", words);
			_exit(9);
		}
		ended_well(pid, "vfork");
	} else {
		pid = fork();
		if (pid == 0)
			child(w);
		ended_well(pid, "fork");
	}
	w->forks++;
}

static void *make_processes(void *argument)
{
	struct worker *w = argument;

	while (!stop) {
		for (uint32_t i = next(w) % 200; i > 0; i--)
			step(w);
		some_way(w);
	}
	return NULL;
}

static void go(void)
{
	struct worker *all = calloc((size_t)threads, sizeof *all);
	pthread_t *ids = calloc((size_t)threads, sizeof *ids);
	double end = now() + seconds;

	require(all != NULL && ids != NULL, "calloc");
	alarm(120 + (unsigned)seconds);
	for (int i = 0; i < threads; i++) {
		all[i].random = (uint64_t)i * 7919 + (uint64_t)getpid();
		require(pthread_create(&ids[i], NULL, i % 2 == 0 ? make_processes : work, &all[i]) == 0, "pthread_create");
	}
	while (now() < end)
		usleep(20000);
	stop = 1;
	for (int i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		if (i % 2 == 0)
			CHECK(all[i].forks > 0);
	}
	for (int i = 0; i < threads; i++)
		empty(&all[i]);
	for (int i = 0; i < shared_slots; i++) {
		if (shared[i] != NULL)
			check(shared[i]);
		free(shared[i]);
	}
	free(all);
	free(ids);
	if (getenv("VMEM_TEST_TELL") != NULL)
		fprintf(stderr, "mode %c: %ld processes\n", mode, processes);
}

/* On a file system that is full most of the time. False: only root may mount one. */
static int mount_small(void)
{
	if (unshare(CLONE_NEWNS) != 0)
		return 0;
	require(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount");
	require(mount("none", "/mnt", "tmpfs", 0, "size=24m") == 0, "mount");
	require(setenv("VMMALLOC_POOL_DIR", "/mnt", 1) == 0, "setenv");
	require(setenv("VMMALLOC_POOL_SIZE", "14MiB", 1) == 0, "setenv");
	return 1;
}

int main(int arguments, char *words[])
{
	const char *said = getenv("VMEM_TEST_STRESS");
	const char *length = arguments > 1 ? words[1] : "0.8", *number = arguments > 2 ? words[2] : "6";

	copied = is_copied();
	if (on_device()) {
		seconds = arguments > 1 ? atof(words[1]) : 3;
		unsetenv("LD_PRELOAD");
		go();
	} else if (said != NULL && arguments == 2) {
		require(sscanf(said, "%lf %d %d", &seconds, &threads, &tight) == 3, "VMEM_TEST_STRESS");
		mode = words[1][0];
		go();
	} else {
		char text[100];

		require(setenv("VMMALLOC_POOL_MAX_SIZE", "1GiB", 1) == 0, "setenv");
		snprintf(text, sizeof text, "%.20s %.20s 0", length, number);
		require(setenv("VMEM_TEST_STRESS", text, 1) == 0, "setenv");
		in_modes("0123");
		if (!copied && mount_small()) {
			snprintf(text, sizeof text, "%.20s %.20s 1", length, number);
			require(setenv("VMEM_TEST_STRESS", text, 1) == 0, "setenv");
			in_modes("123");
		}
	}
	return ended();
}
