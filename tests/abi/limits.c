/*
 * Too little of something while a pool is made and used: room, inodes, addresses, memory, descriptors, time without a
 * signal. Each ends in a clear error or in a pool that works to its last byte; never in a signal, and nothing is left.
 */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>

static char root[256];

static size_t room(const char *path)
{
	struct statvfs information;
	require(statvfs(path, &information) == 0, "statvfs");
	return (size_t)information.f_bavail * information.f_bsize;
}

/* Uses a pool up with blocks of many sizes, every byte of them. */
static void use_up(VMEM *pool)
{
	static const size_t sizes[] = { 16, 100, 4096, 9000, 100000, 1 << 20 };
	size_t i;
	char *block, *kept = NULL;

	for (i = sizeof sizes / sizeof sizes[0]; i-- > 0;) {
		while ((block = vmem_malloc(pool, sizes[i])) != NULL) {
			memset(block, 0xee, sizes[i]);
			kept = block;
		}
		CHECK(errno == ENOMEM);
	}
	if (kept != NULL)
		vmem_free(pool, kept);
	CHECK(vmem_check(pool) == 1);
}

/* From a page less than a pool needs to a few more, page by page. */
static void nearly_full(const char *options)
{
	size_t before, missing;
	char path[300];
	int fd;

	require(mount("none", root, "tmpfs", 0, options) == 0, "mounting a tmpfs");
	before = room(root);
	snprintf(path, sizeof path, "%s/filler", root);
	fd = open(path, O_CREAT | O_RDWR, 0600);
	require(fd >= 0, "open");
	for (missing = 0; missing < 16; missing++) {
		size_t left = VMEM_MIN_POOL + (8 << 12) - (missing << 12);
		VMEM *pool;

		require(ftruncate(fd, 0) == 0 && posix_fallocate(fd, 0, (off_t)(before - left)) == 0, "posix_fallocate");
		CHECK(room(root) == left);
		if (left < VMEM_MIN_POOL) {
			CHECK_REFUSED(vmem_create(root, VMEM_MIN_POOL), ENOSPC, "posix_fallocate: No space left on device");
		} else {
			pool = vmem_create(root, VMEM_MIN_POOL);
			CHECK(pool != NULL);
			use_up(pool);
			vmem_delete(pool);
		}
		CHECK(room(root) == left);
	}
	close(fd);
	umount(root);
}

static void without_inodes(void)
{
	require(mount("none", root, "tmpfs", 0, "size=64m,nr_inodes=1") == 0, "mounting a tmpfs");
	CHECK_REFUSED(vmem_create(root, VMEM_MIN_POOL), ENOSPC, "open: No space left on device");
	umount(root);
}

/* The same under a file system whose blocks are found only when they are written. */
static void on_ext4(void)
{
	char command[1024];
	size_t before, size;
	VMEM *pool;

	/* The image lies in memory: nothing of it reaches a disk. */
	snprintf(command, sizeof command,
		"exec >/dev/null 2>&1; mount -t tmpfs -o size=80m none %s && truncate -s 48m %s/image && mkdir %s/ext4 && "
		"PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q -F %s/image && mount -o loop %s/image %s/ext4", root, root, root, root, root, root);
	if (system(command) == 0) {
		snprintf(command, sizeof command, "%s/ext4", root);
		before = room(command);
		for (size = before - 4 * MIB; size <= before + 4 * MIB; size += MIB / 2) {
			pool = vmem_create(command, size);
			if (pool != NULL)
				use_up(pool);
			else
				CHECK(errno == ENOSPC && strstr(vmem_errormsg(), "posix_fallocate: ") != NULL);
			CHECK(pool != NULL || size > before - 2 * MIB);
			if (pool != NULL)
				vmem_delete(pool);
		}
		CHECK(room(command) == before);
		umount(command);
	} else {
		printf("not tried: ext4 on a loop device\n");
	}
	umount2(root, MNT_DETACH);
}

struct limit {
	int resource;
	size_t value;
};

/* A pool's life under a limit that may end it at any point. Exit status 2: there was one. */
static int live(void *argument)
{
	const struct limit *limit = argument;
	struct rlimit limits = { limit->value, limit->value };
	VMEM *pool;
	int i, made = 0;

	require(setrlimit((__rlimit_resource_t)limit->resource, &limits) == 0, "setrlimit");
	for (i = 0; i < 2; i++) {
		errno = 0;
		pool = vmem_create(root, VMEM_MIN_POOL);
		if (pool == NULL) {
			CHECK(errno == (limit->resource == RLIMIT_FSIZE ? EFBIG : limit->resource == RLIMIT_NOFILE ? EMFILE : ENOMEM));
			CHECK(vmem_errormsg()[0] != '\0');
			continue;
		}
		made = 2;
		use_up(pool);
		vmem_delete(pool);
	}
	return failures != 0 ? 1 : made;
}

static size_t address_space(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	require(file != NULL && fscanf(file, "%lu", &pages) == 1, "/proc/self/statm");
	fclose(file);
	return pages * 4096;
}

/* Every limit between too little for anything and enough. */
static void sweep(int resource, size_t from, size_t to, size_t step)
{
	size_t value, refused = 0, served = 0;

	for (value = from; value <= to; value += step) {
		struct limit limit = { resource, value };
		int status = status_of_child(live, &limit);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 1);
		if (!WIFEXITED(status) || WEXITSTATUS(status) == 1)
			printf("with a limit of %zu on resource %d: status %d\n", value, resource, status);
		refused += status == 0;
		served += WIFEXITED(status) && WEXITSTATUS(status) == 2;
	}
	/* Otherwise the sweep has not crossed what it looks for. */
	CHECK(refused > 0 && served > 0);
}

/* Memory that is locked as it is mapped, up to a limit that only an ordinary user has. */
static int locked(void *argument)
{
	struct limit limit = { RLIMIT_MEMLOCK, *(size_t *)argument };
	struct rlimit limits = { limit.value, limit.value };

	require(setrlimit(RLIMIT_MEMLOCK, &limits) == 0, "setrlimit");
	if (geteuid() == 0)
		require(setgid(65534) == 0 && setuid(65534) == 0, "setuid");
	if (mlockall(MCL_FUTURE) != 0)
		return 0;
	return live(&limit) == 1;
}

static volatile sig_atomic_t ticks;

static void tick(int number)
{
	(void)number;
	ticks++;
}

/* A profiler's timer: calls that signals interrupt are taken up again. */
static void signals(void)
{
	struct sigaction action = { .sa_handler = tick };
	struct itimerval every = { { 0, 300 }, { 0, 300 } }, never = { { 0, 0 }, { 0, 0 } };
	int i;

	sigaction(SIGALRM, &action, NULL); /* without SA_RESTART */
	setitimer(ITIMER_REAL, &every, NULL);
	for (i = 0; i < 20; i++) {
		VMEM *pool = vmem_create("/dev/shm", 40 * MIB);
		CHECK(pool != NULL);
		CHECK(vmem_calloc(pool, 1, 20 * MIB) != NULL);
		vmem_delete(pool);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	CHECK(ticks > 20);
}

static volatile int stop;

static void *create_and_delete(void *argument)
{
	(void)argument;
	while (!stop)
		vmem_delete(create(VMEM_MIN_POOL));
	return NULL;
}

/* Descriptors above the standard ones, but for the one that looks. */
static int descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(folder)) != NULL)
		count += entry->d_name[0] != '.' && atoi(entry->d_name) > 2 && atoi(entry->d_name) != dirfd(folder);
	closedir(folder);
	return count;
}

/* Programs that are started while pools are made get none of their files. */
static void started_programs(void)
{
	pthread_t thread;
	int i, status, before = descriptors();
	char expected[16];

	snprintf(expected, sizeof expected, "%d", before);
	require(pthread_create(&thread, NULL, create_and_delete, NULL) == 0, "pthread_create");
	for (i = 0; i < 100; i++) {
		pid_t child = fork();
		if (child == 0) {
			execl("/proc/self/exe", "limits", "descriptors", expected, (char *)NULL);
			_exit(126);
		}
		require(waitpid(child, &status, 0) == child, "waitpid");
		CHECK(status == 0);
	}
	stop = 1;
	pthread_join(thread, NULL);
	CHECK(descriptors() == before);
}

static int create_forever(void *argument)
{
	(void)argument;
	for (;;)
		vmem_create(root, VMEM_MIN_POOL);
}

/* A process that is killed at any moment leaves no storage behind. */
static void killed(void)
{
	size_t before;
	int i, status;

	require(mount("none", root, "tmpfs", 0, "size=64m") == 0, "mounting a tmpfs");
	before = room(root);
	for (i = 0; i < 20; i++) {
		pid_t child = fork();
		if (child == 0)
			_exit(create_forever(NULL));
		usleep((useconds_t)(i * 700));
		kill(child, SIGKILL);
		require(waitpid(child, &status, 0) == child, "waitpid");
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		CHECK(room(root) == before);
	}
	umount(root);
}

int main(int count, char **words)
{
	size_t addresses, lock_limit;
	struct rlimit most;

	if (count == 3)
		return descriptors() == atoi(words[2]) ? 0 : 1;
	snprintf(root, sizeof root, "%s/vmem-test-XXXXXX", directory());
	require(mkdtemp(root) != NULL, "mkdtemp");
	chmod(root, 0777);
	addresses = address_space();
	sweep(RLIMIT_AS, addresses, addresses + 40 * MIB, MIB);
	sweep(RLIMIT_DATA, 256 << 10, 24 * MIB, 512 << 10);
	sweep(RLIMIT_FSIZE, VMEM_MIN_POOL - 4 * 4096, VMEM_MIN_POOL + 4 * 4096, 4096);
	sweep(RLIMIT_NOFILE, 0, 8, 1);
	require(getrlimit(RLIMIT_MEMLOCK, &most) == 0, "getrlimit");
	for (lock_limit = 0; lock_limit < 40 * MIB && lock_limit <= most.rlim_max; lock_limit += MIB)
		CHECK(status_of_child(locked, &lock_limit) == 0);
	signals();
	started_programs();
	if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0) {
		nearly_full("size=40m");
		without_inodes();
		on_ext4();
		killed();
	} else {
		printf("not tried: full file systems, mounting takes root\n");
	}
	rmdir(root);
	return ended();
}
