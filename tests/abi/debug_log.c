/* VMEM_LOG_LEVEL and VMEM_LOG_FILE of the library for debugging, and that the shipped one traces nothing. */
#include "twin.h"

#include <limits.h>

static char folder[PATH_MAX];
static char log_path[PATH_MAX + 32];

static int lines;

static void count_line(const char *line)
{
	lines += strchr(line, '\n') != NULL && strncmp(line, "<libvmem>: <", 12) == 0;
	errno = 4711;
}

/* One of everything, for the log. */
static int use(const char *what)
{
	VMEM *pool;

	if (strcmp(what, "print") == 0)
		vmem_set_funcs(NULL, NULL, NULL, NULL, count_line);
	if (strcmp(what, "elsewhere") == 0) {
		CHECK(vmem_check_version(1, 1) == NULL);
		require(chdir("/") == 0, "chdir");
	}
	CHECK(vmem_create(directory(), 1) == NULL);
	pool = create(VMEM_MIN_POOL);
	errno = 0;
	vmem_free(pool, vmem_malloc(pool, 100));
	(void)!vmem_calloc(pool, 3, 5);
	(void)!vmem_strdup(pool, "text\n");
	CHECK(errno == 0);
	vmem_delete(pool);
	CHECK(errno == 0);
	CHECK(strcmp(what, "print") != 0 || lines >= 3);
	return failures;
}

/* Runs `use` and reads what it logged to `said`. */
static void log_of(const char *level, const char *what, const char *file)
{
	FILE *stream;

	setenv("VMEM_LOG_LEVEL", level, 1);
	CHECK(succeeded(run_self(what)));
	CHECK(said[0] == '\0'); /* nothing on standard error */
	stream = fopen(file, "r");
	CHECK(stream != NULL);
	if (stream == NULL)
		return;
	said[fread(said, 1, sizeof said - 1, stream)] = '\0';
	fclose(stream);
}

static void check_levels(void)
{
	static const char *const none[] = { "", "0", "-1", "abc" };
	size_t i;

	for (i = 0; i < sizeof none / sizeof none[0]; i++) {
		log_of(none[i], "use", log_path);
		CHECK(said[0] == '\0');
	}
	log_of("1", "use", log_path);
	CHECK_SAID("/debug_log\"\n");
	CHECK_SAID("libvmem 1.1 for debugging");
	CHECK_SAID("size 1 smaller than 14680064\n");
	CHECK_NOT_SAID("Pool ");
	log_of("2", "use", log_path);
	CHECK_SAID("Pool of 14680064 bytes made at 0x");
	CHECK_SAID(" deleted with 2 blocks of ");
	CHECK_NOT_SAID("vmem_malloc");
	log_of("3", "use", log_path);
	CHECK_SAID("vmem_create(\"");
	CHECK_SAID(", 100)\n");
	CHECK_SAID(", \"text\\x0a\")\n");
	CHECK_NOT_SAID("gave");
	log_of("4x", "use", log_path);
	CHECK_SAID("vmem_malloc gave 0x");
	CHECK_SAID("Block at 0x");
	log_of(" 99", "use", log_path);
	CHECK_SAID("vmem_calloc gave 0x");
}

static void check_files(void)
{
	FILE *stream;

	/* What was in it is gone; the program may change its folder. */
	stream = fopen(log_path, "w");
	require(stream != NULL, "fopen");
	fputs("old", stream);
	fclose(stream);
	require(chdir(folder) == 0, "chdir");
	setenv("VMEM_LOG_FILE", "log", 1);
	log_of("2", "elsewhere", log_path);
	CHECK_NOT_SAID("old");
	CHECK_SAID("Pool of ");

	setenv("VMEM_LOG_FILE", "log-", 1);
	log_of("1", "use", log_path);
	{
		const char *words[] = { "sh", "-c", "set -- log-*; grep -q \"process ${1#log-}, program\" \"$1\"", NULL };

		CHECK(succeeded(run(words)));
	}

	setenv("VMEM_LOG_FILE", "", 1);
	setenv("VMEM_LOG_LEVEL", "2", 1);
	CHECK(succeeded(run_self("use")));
	CHECK_SAID("Pool of ");
	CHECK(succeeded(run_self("print")));
	CHECK_NOT_SAID("Pool of ");

	setenv("VMEM_LOG_LEVEL", "0", 1);
	setenv("VMEM_LOG_FILE", "nowhere/log", 1);
	CHECK(aborted(run_self("use")));
	CHECK_SAID("Error (libvmem): opening the log \"nowhere/log\" of VMEM_LOG_FILE failed: No such file or directory\n");
}

static void check_shipped(void)
{
	setenv("VMEM_LOG_FILE", log_path, 1);
	log_of("4", "use", log_path);
	CHECK_SAID("<libvmem>: <1> size 1 smaller than 14680064\n");
	CHECK(strchr(said, '\n') == strrchr(said, '\n')); /* and nothing else */
}

static void clean_up(void)
{
	const char *words[] = { "rm", "-r", folder, NULL };

	CHECK(succeeded(run(words)));
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return use(argv[1]);
	unsetenv("VMEM_MALLOC_CONF");
	snprintf(folder, sizeof folder, "%.200s/vmem-log-XXXXXX", directory());
	require(mkdtemp(folder) != NULL, "mkdtemp");
	snprintf(log_path, sizeof log_path, "%s/log", folder);
	check_shipped();
	choose_twin();
	setenv("VMEM_LOG_FILE", log_path, 1);
	check_levels();
	check_files();
	clean_up();
	return ended();
}
