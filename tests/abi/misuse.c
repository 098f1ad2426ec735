/* Wrong frees at every level: told through the log with address and reason, at the latest by a check; the work goes on. */
#include "test.h"

static char printed[65536];

static void keep(const char *text)
{
	strncat(printed, text, sizeof printed - strlen(printed) - 1);
}

/* Frees something, has the pool look, and says whether the log has the line for that address. */
static int told(VMEM *pool, void *wrong, const char *reason)
{
	char line[200];

	printed[0] = '\0';
	vmem_free(pool, wrong);
	CHECK(vmem_check(pool) == 1);
	snprintf(line, sizeof line, "<libvmem>: <1> Freeing %p ", wrong);
	return strstr(printed, line) != NULL && strstr(strstr(printed, line), reason) != NULL;
}

static void work(VMEM *pool)
{
	unsigned char *live[300] = { NULL };
	unsigned seed = 7, i, k;

	for (i = 0; i < 30000; i++) {
		unsigned slot = (seed = seed * 1103515245 + 12345) >> 16 & 255;
		size_t size = 1 + (seed >> 4) % (slot == 0 ? 200000 : 1000);
		if (live[slot] != NULL) {
			for (k = 0; k < 8 && k < vmem_malloc_usable_size(pool, live[slot]); k++)
				CHECK(live[slot][k] == (unsigned char)slot);
			vmem_free(pool, live[slot]);
		}
		live[slot] = vmem_malloc(pool, size < 8 ? 8 : size);
		require(live[slot] != NULL, "vmem_malloc");
		memset(live[slot], (int)slot, 8);
	}
	for (i = 0; i < 300; i++)
		vmem_free(pool, live[i]);
}

static int at_level(void *text)
{
	static const size_t sizes[] = { 8, 24, 64, 1000, 14336, 20000, 300000, 3 * MIB };
	int level = *(const char *)text - '0';
	char conf[20];
	VMEM *pool, *other;
	size_t i, k;
	void *inside;

	snprintf(conf, sizeof conf, "hardening:%d", level);
	setenv("VMEM_MALLOC_CONF", conf, 1);
	setenv("VMEM_LOG_LEVEL", "1", 1);
	vmem_set_funcs(NULL, NULL, NULL, NULL, keep);
	pool = create(VMEM_MIN_POOL);
	other = create(VMEM_MIN_POOL);
	work(pool);
	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_t size = sizes[i];
		char *a = vmem_malloc(pool, size), *b = vmem_malloc(pool, size), *theirs = vmem_malloc(other, size);
		require(a != NULL && b != NULL && theirs != NULL, "vmem_malloc");
		inside = a + size / 2 + 1;
		CHECK(told(pool, inside, "no block starts there") == (level > 0));
		CHECK(told(pool, theirs, "it is not in the pool") == (level > 0));
		CHECK(told(pool, &level, "it is not in the pool") == (level > 0));
		CHECK(told(pool, (char *)pool + 64, "no block starts there") == (level > 0));
		vmem_free(pool, b); /* keeps the slab */
		vmem_free(pool, a);
		/* A run that no cache keeps, or that level 3 has guarded, and what check took back is no block any more. */
		CHECK(told(pool, a, "ignored: ") == (level > 0));
		vmem_free(other, theirs);
		/* Past the end, up to the next block's; what it wrote there is nobody's. */
		a = vmem_malloc(pool, size);
		b = vmem_malloc(pool, size);
		require(a != NULL && b != NULL, "vmem_malloc");
		if (level < 3)
			for (k = 0; k < size + 64 && a + k < (char *)pool + VMEM_MIN_POOL; k++)
				a[k] = (char)0xee;
		vmem_free(pool, a);
		vmem_free(pool, b);
		CHECK(vmem_check(pool) == 1);
	}
	work(pool);
	CHECK(vmem_check(pool) == 1 && vmem_check(other) == 1);
	CHECK((inside = vmem_malloc(pool, VMEM_MIN_POOL / 100 * 97)) != NULL);
	vmem_delete(pool);
	vmem_delete(other);
	return failures;
}

int main(void)
{
	CHECK(status_of_child(at_level, "0") == 0);
	CHECK(status_of_child(at_level, "1") == 0);
	CHECK(status_of_child(at_level, "2") == 0);
	CHECK(status_of_child(at_level, "3") == 0);
	return ended();
}
