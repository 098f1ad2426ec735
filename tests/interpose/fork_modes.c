/* fork() in each mode: what parent and child see, what is whose storage, purging and reusing on both sides. */
#include "forks.h"

enum { count = 60 };
static char mode;
static unsigned char *blocks[count];
static size_t sizes[count];
static unsigned long parents_file;

static void make(void)
{
	for (int i = 0; i < count; i++) {
		sizes[i] = 16 + (size_t)i * (size_t)i * 60;
		blocks[i] = hide(malloc(sizes[i]));
		require(blocks[i] != NULL, "malloc");
		memset(blocks[i], i, sizes[i]);
	}
}

static int whole(void)
{
	int good = 1;

	for (int i = 0; i < count; i++)
		good = good && all_are(blocks[i], i, sizes[i]);
	return good;
}

/* Everything a heap does; zeros where they are promised, whatever was there before. */
static void exercise(void)
{
	for (int round = 0; round < 2; round++) {
		unsigned char *large = hide(malloc(6 * MIB)), *small[100];

		CHECK(large != NULL);
		memset(large, 0xee, 6 * MIB);
		for (int i = 0; i < 100; i++) {
			small[i] = hide(calloc(1, (size_t)i * 400 + 8));
			CHECK(small[i] != NULL && all_are(small[i], 0, (size_t)i * 400 + 8));
			memset(small[i], 0xee, (size_t)i * 400 + 8);
		}
		free(large);
		malloc_trim(0);
		large = hide(calloc(6, MIB));
		CHECK(large != NULL && all_are(large, 0, 6 * MIB));
		memset(large, 0xee, 6 * MIB);
		for (int i = 0; i < 100; i++) {
			small[i] = hide(realloc(small[i], (size_t)i * 900 + 8));
			CHECK(small[i] != NULL && all_are(small[i], 0xee, 8));
			free(small[i]);
		}
		free(large);
	}
}

static int grandchild(void *argument)
{
	(void)argument;
	CHECK(all_are(blocks[0], 0xdd, sizes[0]));
	CHECK(all_are(blocks[count - 1], count - 1, sizes[count - 1]));
	memset(blocks[count - 1], 0xcc, sizes[count - 1]);
	exercise();
	return 0;
}

static int child(void *argument)
{
	unsigned long file = 0;
	char is = sharing(blocks[count - 1], &file);

	(void)argument;
	CHECK(whole());
	if (mode == '1')
		CHECK(is == 'p' && file == parents_file);
	else
		CHECK(is == 's' && file != parents_file && file != 0);
	exercise();
	CHECK(whole());
	memset(blocks[0], 0xdd, sizes[0]);
	CHECK(status_of_child(grandchild, NULL) == 0);
	CHECK(all_are(blocks[count - 1], count - 1, sizes[count - 1]));
	for (int i = 0; i < count; i++)
		free(blocks[i]);
	exercise();
	return 0;
}

/* The child has no heap; nothing that it does reaches the parent. */
static int child_without(void *argument)
{
	(void)argument;
	errno = 0;
	if (hide(malloc(100)) != NULL || errno != ENOMEM)
		return 1;
	if (hide(malloc(100000)) != NULL || hide(calloc(1, 10)) != NULL || hide(realloc(blocks[1], 100000)) != NULL)
		return 2;
	free(blocks[2]);
	memset(blocks[0], 0xdd, sizes[0]);
	return all_are(blocks[5], 5, sizes[5]) ? 0 : 3;
}

static void go(void)
{
	make();
	require(sharing(blocks[count - 1], &parents_file) == 's', "a shared mapping");
	for (int round = 0; round < 3; round++) {
		unsigned long file = 0;
		char is;

		if (mode == '0') {
			CHECK(status_of_child(child_without, NULL) == 0);
		} else
			CHECK(status_of_child(child, NULL) == 0);
		CHECK(whole());
		is = sharing(blocks[count - 1], &file);
		CHECK(file == parents_file);
		CHECK(is == (mode == '1' ? 'p' : 's'));
		exercise();
		CHECK(whole());
	}
	for (int i = 0; i < count; i++)
		free(blocks[i]);
}

int main(int arguments, char *words[])
{
	if (arguments == 1)
		in_modes("0123");
	else {
		mode = words[1][0];
		go();
	}
	return ended();
}
