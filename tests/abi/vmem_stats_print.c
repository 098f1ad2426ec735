/* vmem_stats_print(): the sections, the letters, the numbers, where it goes. */
#include "test.h"

static char printed[65536];
static int fragments;

static void collect(const char *text)
{
	size_t length = strlen(text);
	if (length == 0 || text[length - 1] != '\n')
		fragments++;
	strncat(printed, text, sizeof printed - strlen(printed) - 1);
}

static const char *print(VMEM *pool, const char *letters)
{
	printed[0] = '\0';
	vmem_stats_print(pool, letters);
	return printed;
}

static unsigned long number_after(const char *text, const char *word)
{
	const char *at = strstr(text, word);
	return at == NULL ? 0 : strtoul(at + strlen(word), NULL, 10);
}

/* The columns of the line of a table that begins with a size. */
static int row(const char *table, unsigned long size, unsigned long *columns, int count)
{
	const char *line = strstr(printed, table);

	while (line != NULL && (line = strchr(line, '\n')) != NULL) {
		char *end;
		int i;

		line++;
		if (strtoul(line, &end, 10) != size || end == line)
			continue;
		for (i = 0; i < count; i++)
			columns[i] = strtoul(end, &end, 10);
		return 1;
	}
	return 0;
}

/* Numbers against a workload whose blocks are counted here. */
static void counted(VMEM *pool)
{
	void *blocks[300];
	unsigned long columns[5];
	int i;

	for (i = 0; i < 300; i++)
		blocks[i] = vmem_malloc(pool, i < 200 ? 48 : 70000);
	for (i = 0; i < 50; i++)
		vmem_free(pool, blocks[i]);
	print(pool, "ga");
	CHECK(row("\nbins:", 48, columns, 5)); /* ind, allocated, nmalloc, ndalloc, curregs */
	CHECK(columns[1] == 150 * 48 && columns[4] == 150 && columns[2] - columns[3] >= 150);
	CHECK(row("\nlarge: ", 73728, columns, 5)); /* ind, allocated, nmalloc, ndalloc, curlextents */
	CHECK(columns[1] == 100 * 73728 && columns[4] == 100);
	CHECK(strstr(printed, "arenas[0]:") == NULL);
	print(pool, "gb");
	CHECK(strstr(printed, "arenas[0]:") != NULL && strstr(printed, "bins:") == NULL);
	print(pool, "gl");
	CHECK(strstr(printed, "curlextents") == NULL && strstr(printed, "bins:") != NULL);
	print(pool, "J");
	CHECK(printed[0] == '{' && strstr(printed, "\"jemalloc\": {") != NULL && strstr(printed, "\"curregs\": 150,") != NULL);
	for (i = 50; i < 300; i++)
		vmem_free(pool, blocks[i]);
	print(pool, NULL);
	CHECK(number_after(printed, "Allocated: ") == 0);
	CHECK(row("\nbins:", 48, columns, 5) && columns[1] == 0 && columns[4] == 0);
}

int main(void)
{
	VMEM *pool = create(VMEM_MIN_POOL);
	char *block;
	size_t all;

	vmem_set_funcs(NULL, NULL, NULL, NULL, collect);
	CHECK_ERRNO_KEPT(print(pool, NULL));
	CHECK(strncmp(printed, "___ Begin vmem statistics ___\n", 30) == 0);
	CHECK(strstr(printed, "--- End vmem statistics ---\n") != NULL);
	CHECK(number_after(printed, "mapped: ") == VMEM_MIN_POOL);
	CHECK(number_after(printed, "Allocated: ") == 0);
	CHECK(number_after(printed, "metadata: ") > 10000 && number_after(printed, "metadata: ") < VMEM_MIN_POOL / 10);
	CHECK(strstr(printed, "Version: ") != NULL);
	all = strlen(printed);

	block = vmem_malloc(pool, 5 * MIB);
	CHECK(number_after(print(pool, ""), "Allocated: ") == 5 * MIB);
	CHECK(number_after(print(pool, "g"), "Allocated: ") == 5 * MIB);
	CHECK(strstr(printed, "Version: ") == NULL && strstr(printed, "Merged arenas") != NULL);
	CHECK(strlen(printed) < all);
	print(pool, "m");
	CHECK(strstr(printed, "Version: ") != NULL && strstr(printed, "Merged arenas") == NULL);
	print(pool, "gmablxyz");
	CHECK(strstr(printed, "Version: ") == NULL && strstr(printed, "Merged arenas") == NULL && strchr(printed, '\n') != NULL);
	vmem_free(pool, block);
	CHECK(number_after(print(pool, NULL), "Allocated: ") == 0);
	CHECK(number_after(printed, "Current active ceiling: ") >= 5 * MIB);
	CHECK(fragments == 0);

	counted(pool);
	print(NULL, NULL);
	CHECK(printed[0] == '\0');
	vmem_delete(pool);
	print(pool, NULL);
	CHECK(printed[0] == '\0');
	return ended();
}
