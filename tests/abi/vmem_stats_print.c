/* vmem_stats_print(): the sections, the letters, where it goes. */
#include "test.h"

static char printed[65536];
static int lines, fragments;

static void collect(const char *text)
{
	size_t length = strlen(text);
	if (length == 0 || text[length - 1] != '\n')
		fragments++;
	lines++;
	strncat(printed, text, sizeof printed - strlen(printed) - 1);
}

static const char *print(VMEM *pool, const char *letters)
{
	printed[0] = '\0';
	lines = 0;
	vmem_stats_print(pool, letters);
	return printed;
}

static unsigned long number_after(const char *text, const char *word)
{
	const char *at = strstr(text, word);
	return at == NULL ? 0 : strtoul(at + strlen(word), NULL, 10);
}

int main(void)
{
	VMEM *pool = create(VMEM_MIN_POOL);
	char *block;
	int all;

	vmem_set_funcs(NULL, NULL, NULL, NULL, collect);
	CHECK_ERRNO_KEPT(print(pool, NULL));
	CHECK(strncmp(printed, "___ Begin vmem statistics ___\n", 30) == 0);
	CHECK(strstr(printed, "--- End vmem statistics ---\n") != NULL);
	CHECK(number_after(printed, "mapped: ") == VMEM_MIN_POOL);
	CHECK(number_after(printed, "Allocated: ") == 0);
	CHECK(strstr(printed, "Version: ") != NULL);
	all = lines;

	block = vmem_malloc(pool, 5 * MIB);
	CHECK(number_after(print(pool, ""), "Allocated: ") == 5 * MIB);
	CHECK(lines == all);
	CHECK(number_after(print(pool, "g"), "Allocated: ") == 5 * MIB);
	CHECK(strstr(printed, "Version: ") == NULL && strstr(printed, "Merged arenas") != NULL);
	CHECK(lines < all);
	print(pool, "m");
	CHECK(strstr(printed, "Version: ") != NULL && strstr(printed, "Merged arenas") == NULL);
	print(pool, "gmablxyz");
	CHECK(strstr(printed, "Version: ") == NULL && strstr(printed, "Merged arenas") == NULL && lines >= 4);
	vmem_free(pool, block);
	CHECK(number_after(print(pool, NULL), "Allocated: ") == 0);
	CHECK(number_after(printed, "Current active ceiling: ") >= 5 * MIB);
	CHECK(fragments == 0);

	print(NULL, NULL);
	CHECK(printed[0] == '\0');
	vmem_delete(pool);
	print(pool, NULL);
	CHECK(printed[0] == '\0');
	return ended();
}
