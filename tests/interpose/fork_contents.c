/*
 * What parent, child and grandchild see and write, wherever the pool is: a directory, huge pages, a device, of which a child's
 * heap is anonymous memory; with exec in the child, and with another thread that allocates. A device is this process's alone, so
 * the mode is the environment's.
 */
#include "forks.h"

enum { count = 40 };
static unsigned char *blocks[count];
static volatile int stop;

static size_t size_of(int i)
{
	return 16 + (size_t)i * (size_t)i * 200;
}

static int whole(int add)
{
	int good = 1;

	for (int i = 0; i < count; i++)
		good = good && all_are(blocks[i], i + add, size_of(i));
	return good;
}

static void write_all(int add)
{
	for (int i = 0; i < count; i++)
		memset(blocks[i], i + add, size_of(i));
}

static void exercise(void)
{
	for (int round = 0; round < 2; round++) {
		unsigned char *large = hide(malloc(6 * MIB)), *small;

		CHECK(large != NULL);
		memset(large, 0xee, 6 * MIB);
		free(large);
		malloc_trim(0);
		large = hide(calloc(6, MIB));
		small = hide(calloc(1, 3000));
		CHECK(large != NULL && all_are(large, 0, 6 * MIB) && small != NULL && all_are(small, 0, 3000));
		free(small);
		free(large);
	}
}

static void expect_place(int own)
{
	const char *name = mapped_at(blocks[count - 1]);

	if (is_copied())
		CHECK(name != NULL && (name[0] == '\0') == own);
}

static int grandchild(void *argument)
{
	CHECK(whole(2));
	expect_place(1);
	exercise();
	write_all(3);
	exercise();
	CHECK(whole(3));
	return argument != NULL;
}

static int child(void *argument)
{
	CHECK(whole(1));
	expect_place(1);
	exercise();
	CHECK(whole(1));
	write_all(2);
	CHECK(status_of_child(grandchild, NULL) == 0);
	CHECK(whole(2));
	for (int i = 0; i < count; i++) {
		blocks[i] = hide(realloc(blocks[i], 2 * size_of(i)));
		CHECK(blocks[i] != NULL && all_are(blocks[i], i + 2, size_of(i)));
		free(blocks[i]);
	}
	exercise();
	if (argument == NULL)
		return 0;
	fflush(stdout);
	/* It cannot have the device, which is its parent's parent's, and needs none of it. */
	unsetenv("LD_PRELOAD");
	if (failures == 0)
		execl("/bin/true", "true", NULL);
	return 1;
}

/* Without streams: on a device the child of a fork finds their locks as they are just then. */
static void *churn(void *argument)
{
	while (!stop) {
		unsigned char *block = hide(malloc(20000)), *zeros = hide(calloc(1, 500));

		if (block == NULL || zeros == NULL || !all_are(zeros, 0, 500))
			__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
		else {
			memset(block, 9, 20000);
			memset(zeros, 9, 500);
		}
		free(zeros);
		free(block);
	}
	return argument;
}

int main(void)
{
	pthread_t threads[2];

	alarm(100);
	for (int i = 0; i < count; i++) {
		blocks[i] = hide(malloc(size_of(i)));
		require(blocks[i] != NULL, "malloc");
	}
	for (int round = 0; round < 8; round++) {
		if (round == 4)
			for (int t = 0; t < 2; t++)
				require(pthread_create(&threads[t], NULL, churn, NULL) == 0, "pthread_create");
		write_all(1);
		CHECK(status_of_child(child, round % 2 == 0 ? NULL : blocks) == 0);
		CHECK(whole(1));
		expect_place(0);
		if (round < 4)
			exercise();
		CHECK(on_device() || system("exit 3") == 3 << 8);
	}
	stop = 1;
	for (int t = 0; t < 2; t++)
		pthread_join(threads[t], NULL);
	CHECK(whole(1));
	exercise();
	return ended();
}
