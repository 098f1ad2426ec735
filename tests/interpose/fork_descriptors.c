/*
 * Programs that close every descriptor, open others in their places, or use up all that they may have, and fork: nobody's file
 * is touched, and parent and child keep their blocks.
 */
#include "forks.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { count = 12, file_size = 2 << 20, numbers_end = 4096 };
static unsigned char *blocks[count];
static int precious;
static volatile int stop;

static size_t size_of(int i)
{
	return i % 2 == 0 ? (size_t)(i + 1) * 3000 : (size_t)(i + 1) * 100000;
}

static void make(void)
{
	for (int i = 0; i < count; i++) {
		blocks[i] = hide(malloc(size_of(i)));
		require(blocks[i] != NULL, "malloc");
		memset(blocks[i], i + 1, size_of(i));
	}
}

static int whole(void)
{
	int good = 1;

	for (int i = 0; i < count; i++)
		good = good && all_are(blocks[i], i + 1, size_of(i));
	return good;
}

/* Grows, shrinks and grows. */
static void exercise(void)
{
	unsigned char *large = hide(malloc(4 * MIB));

	CHECK(large != NULL);
	memset(large, 0xee, 4 * MIB);
	free(large);
	malloc_trim(0);
	large = hide(calloc(4, MIB));
	CHECK(large != NULL && all_are(large, 0, 4 * MIB));
	free(large);
}

static void make_precious(void)
{
	char path[300];
	static char bytes[65536];

	snprintf(path, sizeof path, "%s/vmem-test-%d", getenv("VMMALLOC_POOL_DIR"), (int)getpid());
	precious = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	require(precious >= 0 && unlink(path) == 0, "a file");
	memset(bytes, 'P', sizeof bytes);
	for (int i = 0; i < file_size / (int)sizeof bytes; i++)
		require(write(precious, bytes, sizeof bytes) == (ssize_t)sizeof bytes, "writing");
	require(fsync(precious) == 0, "fsync");
}

static void check_precious(void)
{
	static unsigned char bytes[65536];
	struct stat about;

	CHECK(fstat(precious, &about) == 0 && about.st_size == file_size && about.st_blocks >= file_size / 512);
	for (int i = 0; i < file_size / (int)sizeof bytes; i++) {
		CHECK(pread(precious, bytes, sizeof bytes, (off_t)i * (off_t)sizeof bytes) == (ssize_t)sizeof bytes);
		CHECK(all_are(bytes, 'P', sizeof bytes));
	}
}

/* Standard output and that file are kept. */
static void lose(const char *how)
{
	if (strcmp(how, "limit") == 0) {
		/* None is lost, but there are no more. */
		while (open("/dev/null", O_RDONLY) >= 0) {
		}
		return;
	}
	if (strcmp(how, "range") == 0) {
		CHECK(syscall(SYS_close_range, 3, precious - 1, 0) == 0 || precious == 3 || errno == ENOSYS);
		CHECK(syscall(SYS_close_range, precious + 1, ~0U, 0) == 0 || errno == ENOSYS);
		return;
	}
	for (int fd = 3; fd < numbers_end; fd++) {
		if (fd == precious)
			continue;
		if (strcmp(how, "close") == 0)
			close(fd);
		else
			dup2(precious, fd);
	}
}

static void *idle(void *argument)
{
	while (!stop) {
		free(hide(malloc(100)));
		usleep(1000);
	}
	return argument;
}

static int grandchild(void *argument)
{
	(void)argument;
	CHECK(whole());
	exercise();
	return 0;
}

static int open_descriptors(void)
{
	int open = 0;

	for (int fd = 3; fd < numbers_end; fd++)
		open += fcntl(fd, F_GETFD) >= 0;
	return open;
}

/* Where the pool is the process's own memory already there is nothing to be told, so no pipe is left open. */
static int child_with_nothing_open(void *argument)
{
	(void)argument;
	CHECK(open_descriptors() == 1);
	return 0;
}

/* One that loses its descriptors itself. */
static int child_that_closes(void *argument)
{
	lose(argument);
	exercise();
	CHECK(status_of_child(grandchild, NULL) == 0);
	CHECK(whole());
	return 0;
}

static int child(void *argument)
{
	CHECK(whole());
	exercise();
	CHECK(status_of_child(grandchild, NULL) == 0);
	CHECK(status_of_child(child_that_closes, argument) == 0);
	CHECK(whole());
	for (int i = 0; i < count; i++)
		memset(blocks[i], 0xdd, size_of(i));
	return 0;
}

/* The word: in which way, with a fork before ('F'), with another thread ('T'). */
static void go(const char *word)
{
	static char how[20];
	int with_thread = strchr(word, 'T') != NULL;
	pthread_t thread;

	alarm(60);
	snprintf(how, sizeof how, "%.5s", word);
	make();
	make_precious();
	if (strchr(word, 'F') != NULL)
		CHECK(status_of_child(child, how) == 0);
	if (with_thread)
		require(pthread_create(&thread, NULL, idle, NULL) == 0, "pthread_create");
	lose(how);
	if (strcmp(how, "range") == 0)
		CHECK(status_of_child(child_with_nothing_open, NULL) == 0);
	for (int round = 0; round < 2; round++) {
		CHECK(status_of_child(child, how) == 0);
		CHECK(whole());
		exercise();
		CHECK(whole());
	}
	if (with_thread) {
		stop = 1;
		pthread_join(thread, NULL);
	}
	check_precious();
}

int main(int arguments, char *words[])
{
	static const char *const ways[] = { "range", "limit", "limitT", "reuse", "reuseT", "reuseF", "closeFT" };

	if (arguments > 1) {
		go(words[1]);
		return ended();
	}
	for (const char *mode = "213"; *mode != '\0'; mode++)
		for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
			struct variables in;
			struct rlimit limit;
			char word[2] = { *mode, '\0' };

			if (*mode != '2' && strcmp(ways[i], "reuse") != 0)
				continue;
			copy_environment(&in);
			set_variable(&in, "VMMALLOC_FORK", word);
			require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
			if (strncmp(ways[i], "limit", 5) == 0)
				require(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 64, limit.rlim_max }) == 0, "setrlimit");
			check_self(ways[i], &in);
			require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
		}
	return ended();
}
