/* The variables: what is refused, in which order and words, and that the process ends then; what is accepted. */
#include "test.h"

#include <sys/resource.h>
#include <sys/vfs.h>

static char output[4096];

struct setting {
	const char *directory, *size, *maximum, *mode, *line;
};

static const struct setting refused[] = {
	{ NULL, "64MiB", NULL, NULL, "environment variable VMMALLOC_POOL_DIR not specified" },
	{ NULL, NULL, NULL, "7", "environment variable VMMALLOC_POOL_DIR not specified" },
	{ "/tmp", NULL, NULL, "7", "environment variable VMMALLOC_POOL_SIZE not specified" },
	{ "/nonexistent", "-1", NULL, "7", "negative VMMALLOC_POOL_SIZE" },
	{ "/nonexistent", "14680063", NULL, "7", "VMMALLOC_POOL_SIZE value is less than minimum (14680063 < 14680064)" },
	{ "/nonexistent", "64M", NULL, "7", "VMMALLOC_POOL_SIZE value is less than minimum (64 < 14680064)" },
	{ "/nonexistent", "", NULL, NULL, "VMMALLOC_POOL_SIZE value is less than minimum (0 < 14680064)" },
	{ "/nonexistent", "64MiB", "63MiB", NULL, "VMMALLOC_POOL_MAX_SIZE value is less than VMMALLOC_POOL_SIZE (66060288 < 67108864)" },
	{ "/nonexistent", "64MiB", NULL, "4", "incorrect VMMALLOC_FORK value (4)" },
	{ "/nonexistent", "64MiB", NULL, "-1", "incorrect VMMALLOC_FORK value (-1)" },
	{ "/nonexistent", "64MiB", NULL, "0", "vmem pool creation failed: No such file or directory" },
	{ "", "64MiB", NULL, NULL, "vmem pool creation failed: No such file or directory" },
	{ "/etc/passwd", "64MiB", NULL, NULL, "vmem pool creation failed: Not a directory" },
	{ "/dev/null", "64MiB", NULL, NULL, "vmem pool creation failed: Invalid argument" },
	{ "/tmp", "9223372036854775807", NULL, NULL, "vmem pool creation failed: File too large" },
	{ "/tmp", "99999999999999999999", NULL, NULL, "vmem pool creation failed: File too large" },
};

static void apply(struct variables *in, const struct setting *s)
{
	copy_environment(in);
	set_variable(in, "VMMALLOC_POOL_DIR", s->directory);
	set_variable(in, "VMMALLOC_POOL_SIZE", s->size);
	set_variable(in, "VMMALLOC_POOL_MAX_SIZE", s->maximum);
	set_variable(in, "VMMALLOC_FORK", s->mode);
}

static void expect_line(const struct setting *s)
{
	struct variables in;
	char expected[256];
	int status;

	apply(&in, s);
	status = run_self("nothing", &in, output, sizeof output);
	snprintf(expected, sizeof expected, "Error (libvmmalloc): %s\n", s->line);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(strcmp(output, expected) == 0);
	if (strcmp(output, expected) != 0)
		printf("expected: %sfound: %s", expected, output);
}

static void expect_none(const char *directory, const char *size, const char *maximum, const char *mode)
{
	struct variables in;
	struct setting s = { directory, size, maximum, mode, NULL };

	apply(&in, &s);
	check_self("grow", &in);
}

/* More than the file system has is refused at the start, although nothing is allocated ahead. */
static void full(void)
{
	struct statfs about;
	struct setting s = { "/dev/shm", NULL, NULL, NULL, "vmem pool creation failed: No space left on device" };
	char text[32];

	require(statfs("/dev/shm", &about) == 0, "statfs");
	snprintf(text, sizeof text, "%zu", (size_t)about.f_bavail * (size_t)about.f_bsize + 64 * MIB);
	s.size = text;
	expect_line(&s);
}

/* Another user's folder. */
static int as_nobody(void)
{
	struct setting s = { getenv("VMEM_TEST_DIRECTORY"), "64MiB", NULL, NULL, "vmem pool creation failed: Permission denied" };

	if (setgid(65534) != 0 || setuid(65534) != 0 || access(getenv("LD_PRELOAD"), R_OK) != 0)
		return 0;
	expect_line(&s);
	return ended();
}

static void forbidden(void)
{
	struct variables in;
	char directory[] = "/dev/shm/vmem-test-XXXXXX";

	if (geteuid() != 0 || mkdtemp(directory) == NULL)
		return;
	copy_environment(&in);
	set_variable(&in, "VMEM_TEST_DIRECTORY", directory);
	check_self("nobody", &in);
	rmdir(directory);
}

/* So is a file that may not become as large. */
static void limited(void)
{
	struct setting s = { "/dev/shm", "64MiB", NULL, NULL, "vmem pool creation failed: File too large" };
	struct rlimit before, low;

	require(getrlimit(RLIMIT_FSIZE, &before) == 0, "getrlimit");
	low = before;
	low.rlim_cur = 32 * MIB;
	require(setrlimit(RLIMIT_FSIZE, &low) == 0, "setrlimit");
	expect_line(&s);
	require(setrlimit(RLIMIT_FSIZE, &before) == 0, "setrlimit");
}

/* The growing pool ends at its largest size, not before. */
static int grow(void)
{
	const char *maximum = getenv("VMMALLOC_POOL_MAX_SIZE");
	size_t blocks = 0;

	while (hide(malloc(MIB)) != NULL)
		blocks++;
	CHECK(errno == ENOMEM);
	CHECK(maximum == NULL ? blocks >= 12 && blocks < 64 : blocks >= 94 && blocks < 96);
	return ended();
}

int main(int count, char **words)
{
	if (count > 1 && strcmp(words[1], "nobody") == 0)
		return as_nobody();
	if (count > 1)
		return strcmp(words[1], "grow") == 0 ? grow() : 0;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		expect_line(&refused[i]);
	full();
	limited();
	forbidden();
	expect_none("/dev/shm", "14680064", NULL, "0");
	expect_none("/dev/shm", " +15000000 bytes", NULL, "");
	expect_none("/dev/shm", "32MiB", NULL, "3");
	expect_none("/dev/shm", "16MiB", "96MiB", NULL);
	expect_none("/dev/shm", NULL, "96MiB", "1");
	return ended();
}
