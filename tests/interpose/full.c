/* A full pool: NULL and ENOMEM for everything that would need more, and all of it again when it is freed. */
#include "test.h"

enum { most = 400000 };
static void *blocks[most];

static size_t fill(size_t size)
{
	size_t count = 0;

	while (count < most && (blocks[count] = hide(malloc(size))) != NULL) {
		memset(blocks[count], (int)count, size);
		count++;
	}
	CHECK(count == most || errno == ENOMEM);
	return count;
}

static void empty(size_t count)
{
	while (count > 0)
		free(blocks[--count]);
}

static void *ask(void *wanted)
{
	return hide(malloc(*(size_t *)wanted));
}

int main(void)
{
	static const size_t sizes[] = { 256, 4096, 100000, 3000000 };
	size_t wanted = 20 * MIB;
	size_t first[4];
	char *small;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++) {
			size_t count = fill(sizes[i]);
			pthread_t thread;
			void *got;

			CHECK(count * sizes[i] > 64 * MIB * 9 / 10);
			if (round == 0)
				first[i] = count;
			CHECK(count + count / 100 + 1 >= first[i]);
			CHECK_REFUSED(hide(calloc(1, wanted)), ENOMEM);
			CHECK_REFUSED(hide(aligned_alloc(4096, wanted)), ENOMEM);
			CHECK_REFUSED(hide(realloc(blocks[0], wanted)), ENOMEM);
			CHECK(*(unsigned char *)blocks[1] == 1);
			empty(count);
			/* Another thread finds what this one has freed. */
			require(pthread_create(&thread, NULL, ask, &wanted) == 0, "pthread_create");
			pthread_join(thread, &got);
			CHECK(got != NULL);
			free(got);
		}
	}
	small = hide(malloc(10));
	CHECK(small != NULL);
	free(small);
	return ended();
}
