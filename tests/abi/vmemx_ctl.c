/* vmemx_ctl(): every name, and the numbers of a counted workload. tests/abi/vmemx_jemalloc.c compares types and results with jemalloc's. */
#include "extension.h"
#include "ctl_names.h"

static int child(void *pool)
{
	CHECK(vmemx_ctl(pool, "version", NULL, NULL, NULL, 0) == EBADF);
	CHECK(strstr(vmem_errormsg(), "before fork") != NULL);
	return ended();
}

static void names(VMEM *pool)
{
	unsigned char value[8];
	size_t i, length;

	for (i = 0; i < CONTROLS; i++) {
		const struct control *control = &controls[i];
		size_t size = width(control->type);

		errno = 4711;
		length = size;
		if (control->access == 'a') {
			CHECK(vmemx_ctl(pool, control->name, NULL, NULL, NULL, 0) == 0);
			CHECK(vmemx_ctl(pool, control->name, value, &length, NULL, 0) == EPERM);
		} else {
			CHECK(vmemx_ctl(pool, control->name, value, &length, NULL, 0) == 0 && length == size);
			CHECK(vmemx_ctl(pool, control->name, NULL, NULL, value, size) == (control->access == 'w' ? 0 : EPERM));
			length = 5;
			CHECK(vmemx_ctl(pool, control->name, value, &length, NULL, 0) == EINVAL && length == (size < 5 ? size : 5));
		}
		CHECK(errno == 4711);
	}
	for (i = 0; i < sizeof refused / sizeof *refused; i++) {
		CHECK(vmemx_ctl(pool, refused[i], NULL, NULL, NULL, 0) == ENOENT);
		CHECK(strstr(vmem_errormsg(), refused[i]) != NULL && strstr(vmem_errormsg(), "there is no such name") != NULL);
	}
	CHECK(vmemx_ctl(pool, NULL, NULL, NULL, NULL, 0) == ENOENT);
	CHECK(vmemx_ctl(pool, "", NULL, NULL, NULL, 0) == ENOENT);
}

static unsigned long long indexed(VMEM *pool, const char *format, unsigned index)
{
	char name[100];

	snprintf(name, sizeof name, format, index);
	return number(pool, name);
}

static void numbers(VMEM *pool)
{
	void *blocks[300];
	unsigned bins = (unsigned)number(pool, "arenas.nbins"), groups = (unsigned)number(pool, "arenas.nlextents"), bin = 0, group = 0;
	unsigned long long small = 0, large = 0;
	int i;

	for (i = 0; i < 300; i++)
		blocks[i] = vmem_malloc(pool, i < 200 ? 48 : 70000);
	for (i = 0; i < 50; i++)
		vmem_free(pool, blocks[i]);
	CHECK(number(pool, "stats.allocated") == 150 * 48 + 100 * 73728);
	while (indexed(pool, "arenas.bin.%u.size", bin) != 48)
		bin++;
	while (indexed(pool, "arenas.lextent.%u.size", group) != 73728)
		group++;
	CHECK(indexed(pool, "stats.arenas.4096.bins.%u.curregs", bin) == 150);
	CHECK(indexed(pool, "stats.arenas.4096.lextents.%u.curlextents", group) == 100);
	for (bin = 0; bin < bins; bin++)
		small += indexed(pool, "stats.arenas.4096.bins.%u.curregs", bin) * indexed(pool, "arenas.bin.%u.size", bin);
	for (group = 0; group < groups; group++)
		large += indexed(pool, "stats.arenas.4096.lextents.%u.curlextents", group) * indexed(pool, "arenas.lextent.%u.size", group);
	CHECK(small == 150 * 48 && large == 100 * 73728);
	CHECK(number(pool, "stats.arenas.4096.small.allocated") == small);
	CHECK(number(pool, "stats.arenas.4096.large.allocated") == large && number(pool, "stats.arenas.0.large.allocated") == large);
	CHECK(number(pool, "stats.arenas.4096.nthreads") == 1);
	CHECK(number(pool, "stats.active") == number(pool, "stats.arenas.4096.pactive") * number(pool, "arenas.page"));
	CHECK(number(pool, "stats.resident") >= number(pool, "stats.active"));
	CHECK(number(pool, "stats.metadata") > 0 && number(pool, "vmem.available") > 0 && number(pool, "vmem.largest_free") > 0);
	CHECK(number(pool, "vmem.base") == (unsigned long long)(uintptr_t)pool);
	CHECK(number(pool, "vmem.system_page") == (unsigned long long)sysconf(_SC_PAGESIZE));
	CHECK(number(pool, "vmem.peak") >= number(pool, "stats.active"));
	for (i = 50; i < 300; i++)
		vmem_free(pool, blocks[i]);
	small = number(pool, "vmem.cached");
	CHECK(vmemx_ctl(pool, "thread.tcache.flush", NULL, NULL, NULL, 0) == 0);
	CHECK(number(pool, "vmem.cached") < small && number(pool, "stats.allocated") == 0); /* depots are not the thread's */
}

static void settings(VMEM *pool)
{
	_Bool enabled = 0, before = 0;
	unsigned arena = 1, found;
	size_t length = sizeof before;
	ssize_t decay = 0;
	void *block, *misplaced = &block;
	const char *text;

	CHECK(vmemx_ctl(pool, "thread.tcache.enabled", &before, &length, &enabled, sizeof enabled) == 0 && before == 1);
	vmem_free(pool, vmem_malloc(pool, 100));
	CHECK(number(pool, "vmem.cached") == 0);
	CHECK(vmemx_ctl(pool, "thread.tcache.flush", NULL, NULL, NULL, 0) == EFAULT);
	enabled = 1;
	CHECK(vmemx_ctl(pool, "thread.tcache.enabled", NULL, NULL, &enabled, sizeof enabled) == 0);
	vmem_free(pool, vmem_malloc(pool, 100));
	CHECK(number(pool, "vmem.cached") > 0);

	CHECK(vmemx_ctl(pool, "thread.arena", NULL, NULL, &arena, sizeof arena) == 0 && number(pool, "thread.arena") == 1);
	block = vmem_malloc(pool, 3000);
	length = sizeof found;
	CHECK(vmemx_ctl(pool, "arenas.lookup", &found, &length, &block, sizeof block) == 0 && found == 1);
	CHECK(vmemx_ctl(pool, "arenas.lookup", &found, &length, &misplaced, sizeof misplaced) == EINVAL);
	CHECK(vmemx_ctl(pool, "arenas.lookup", &found, &length, &block, 4) == EINVAL);
	arena = 2;
	CHECK(vmemx_ctl(pool, "thread.arena", NULL, NULL, &arena, sizeof arena) == EFAULT);
	CHECK(strstr(vmem_errormsg(), "the pool has 2 arenas, and no arena 2") != NULL);
	CHECK(number(pool, "thread.arena") == 1);

	vmem_free(pool, vmem_malloc(pool, 30 * MIB));
	CHECK(number(pool, "stats.resident") >= 30 * MIB);
	CHECK(vmemx_ctl(pool, "arena.0.decay", NULL, NULL, NULL, 0) == 0);
	CHECK(number(pool, "stats.resident") >= 30 * MIB);
	CHECK(vmemx_ctl(pool, "arena.4096.purge", NULL, NULL, NULL, 0) == 0);
	CHECK(number(pool, "stats.resident") <= 2 * MIB);
	CHECK(vmemx_ctl(pool, "arenas.dirty_decay_ms", NULL, NULL, &decay, sizeof decay) == 0);
	vmem_free(pool, vmem_malloc(pool, 30 * MIB));
	CHECK(number(pool, "stats.resident") <= 4 * MIB && number(pool, "arena.1.dirty_decay_ms") == 0);
	decay = -2;
	CHECK(vmemx_ctl(pool, "arenas.dirty_decay_ms", NULL, NULL, &decay, sizeof decay) == EFAULT);
	CHECK(number(pool, "opt.dirty_decay_ms") == 10000);
	length = sizeof text;
	CHECK(vmemx_ctl(pool, "opt.junk", &text, &length, NULL, 0) == 0 && strcmp(text, "false") == 0);
	CHECK(vmemx_ctl(pool, "version", &text, &length, NULL, 0) == 0 && strchr(text, '.') != NULL);
}

int main(void)
{
	VMEM *pool = create_private(64 * MIB, "narenas:2,hardening:1"), *bare = create_private(64 * MIB, "tcache:false,narenas:2");
	unsigned arena = 1;
	_Bool enabled = 1;

	numbers(pool);
	names(pool);
	settings(pool);
	CHECK(number(bare, "thread.tcache.enabled") == 0 && number(bare, "opt.tcache") == 0);
	CHECK(vmemx_ctl(bare, "thread.tcache.enabled", NULL, NULL, &enabled, sizeof enabled) == EPERM);
	CHECK(vmemx_ctl(bare, "thread.arena", NULL, NULL, &arena, sizeof arena) == EAGAIN);
	CHECK(status_of_child(child, pool) == 0);
	CHECK(vmem_check(pool) == 1);
	vmem_delete(bare);
	vmem_delete(pool);
	CHECK(vmemx_ctl(pool, "version", NULL, NULL, NULL, 0) == EINVAL);
	CHECK(vmemx_ctl(NULL, "version", NULL, NULL, NULL, 0) == EINVAL);
	return ended();
}
