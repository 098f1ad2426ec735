/* Calls arrive: what the pool counts follows what the program does, in glibc's own terms. */
#include "test.h"

static char output[65536];

static void counts(void)
{
	enum { many = 1000 };
	static void *blocks[many];
	struct mallinfo2 before = numbers(), during, after;

	for (int i = 0; i < many; i++) {
		blocks[i] = hide(malloc(1000 + (size_t)i));
		memset(blocks[i], 1, 1000);
	}
	during = numbers();
	CHECK(during.uordblks - before.uordblks >= many * 1000);
	CHECK(during.uordblks - before.uordblks <= many * 2600);
	CHECK(during.arena >= during.uordblks);
	CHECK(during.fordblks == during.arena - during.uordblks);
	CHECK((size_t)mallinfo().uordblks == during.uordblks);
	for (int i = 0; i < many; i++)
		free(blocks[i]);
	after = numbers();
	CHECK(after.uordblks < before.uordblks + 20000);
}

static void trimming(void)
{
	void *block = hide(malloc(20 * MIB));
	struct mallinfo2 before, after;

	memset(block, 1, 20 * MIB);
	free(block);
	before = numbers();
	CHECK(malloc_trim(0) == 1);
	after = numbers();
	CHECK(before.arena - after.arena >= 16 * MIB);
	CHECK(malloc_trim(0) == 0);
	CHECK(mallopt(M_ARENA_MAX, 1) == 1);
	CHECK(mallopt(M_MXFAST, 64) == 1);
	CHECK(mallopt(4711, 1) == 0);
}

static void information(void)
{
	char *text = NULL;
	size_t length = 0;
	FILE *stream = open_memstream(&text, &length);

	require(stream != NULL, "open_memstream");
	CHECK(malloc_info(1, stream) == EINVAL);
	CHECK(malloc_info(0, stream) == 0);
	fclose(stream);
	CHECK(strncmp(text, "<malloc version=\"1\">\n<heap nr=\"0\">\n", 34) == 0);
	CHECK(strstr(text, "<system type=\"current\" size=\"") != NULL);
	CHECK(strcmp(text + length - 10, "</malloc>\n") == 0);
	free(text);
}

static void printing(void)
{
	struct variables in;
	int status;

	copy_environment(&in);
	status = run_self("stats", &in, output, sizeof output);
	CHECK(status == 0);
	CHECK(strstr(output, "___ Begin vmem statistics ___") != NULL);
	CHECK(strstr(output, "--- End vmem statistics ---\nafter\n") != NULL);
	set_variable(&in, "VMMALLOC_LOG_STATS", "1");
	status = run_self("quiet", &in, output, sizeof output);
	CHECK(status == 0);
	CHECK(strncmp(output, "quiet\n___ Begin vmem statistics ___", 35) == 0);
	set_variable(&in, "VMMALLOC_LOG_STATS", "11");
	status = run_self("quiet", &in, output, sizeof output);
	CHECK(status == 0 && strcmp(output, "quiet\n") == 0);
}

int main(int count, char **words)
{
	if (count > 1) {
		if (strcmp(words[1], "stats") == 0) {
			malloc_stats();
			puts("after");
		} else
			puts(words[1]);
		fflush(stdout);
		return 0;
	}
	counts();
	trimming();
	information();
	printing();
	return ended();
}
