/*
 * The extension beside jemalloc itself: results, error codes and lengths of each name, and sizes of blocks. libjemalloc.so.2 has to be
 * there from the start of a process (its thread-local memory), so this program starts itself again with it.
 */
#include "extension.h"
#include "ctl_names.h"

#include <dlfcn.h>

typedef int control_function(const char *, void *, size_t *, void *, size_t);

static control_function *mallctl;
static size_t (*nallocx)(size_t, int);
static VMEM *pool;

/* What a call does: its result, the length that it leaves, and the value, as one text. */
static const char *outcome(int theirs, const char *name, int old, size_t oldlen, int with_length, const void *new, size_t newlen)
{
	static char texts[2][200];
	unsigned char value[16];
	size_t length = oldlen, touched = sizeof value;
	void *to = old ? value : NULL;
	size_t *length_at = with_length ? &length : NULL;
	unsigned char copy[16];
	int result;

	memset(value, 0xee, sizeof value);
	memcpy(copy, new != NULL ? new : value, sizeof copy);
	result = theirs ? mallctl(name, to, length_at, new != NULL ? copy : NULL, newlen) :
		vmemx_ctl(pool, name, to, length_at, new != NULL ? copy : NULL, newlen);
	while (touched > oldlen && value[touched - 1] == 0xee)
		touched--;
	snprintf(texts[theirs], sizeof texts[theirs], "result %d, length %zu%s", result, length, touched > oldlen ? ", too much is written" : "");
	return texts[theirs];
}

static void compare(const char *name, int old, size_t oldlen, int with_length, const void *new, size_t newlen)
{
	const char *theirs = outcome(1, name, old, oldlen, with_length, new, newlen);
	const char *ours = outcome(0, name, old, oldlen, with_length, new, newlen);

	if (strcmp(ours, theirs) == 0)
		return;
	failures++;
	printf("%s, old %d of %zu, new %d of %zu: %s; jemalloc: %s\n", name, old, oldlen, new != NULL, newlen, ours, theirs);
}

/* Every combination of what may be given, missing, too short and too long. */
static void compare_all(const char *name, size_t size, const void *new)
{
	size_t old, oldlen, newlen;

	for (newlen = 0; newlen <= size + 1; newlen += newlen + 1 < size ? size - newlen - 1 : 1) {
		compare(name, 0, 0, 0, NULL, newlen);
		compare(name, 0, 0, 0, new, newlen);
		for (old = 0; old < 2; old++) {
			for (oldlen = 0; oldlen <= size + 1; oldlen++) {
				compare(name, (int)old, oldlen, 1, NULL, newlen);
				compare(name, (int)old, oldlen, 1, new, newlen);
			}
			compare(name, (int)old, 0, 0, NULL, newlen);
		}
	}
}

static void controls_alike(void)
{
	static const char *const unknown[] = {
		"", ".", "stats", "stats.", ".stats", "stats..allocated", "version.", "version.x", "nosuch", "arenas.bin", "arenas.bin.0",
		"arenas.bin..size", "arenas.bin.x.size", "arenas.bin.-1.size", "arenas.bin.999.size", "arenas.bin.0.size.x", "arenas.lextent.9999.size",
		"stats.arenas.0", "stats.arenas.9999.nthreads", "stats.arenas.0.bins.999.nmalloc", "stats.arenas.0.lextents.9999.nmalloc",
		"arena.99999.purge", "arena.99999.dirty_decay_ms", "arena.4096.dirty_decay_ms", "arena.4096.initialized", "arena.4096.purge",
		"arena.4096.decay", "stats.arenas.4096.pactive", "stats.arenas.4096.bins.0.curregs", "stats.arenas.4096.lextents.0.curlextents",
	};
	ssize_t decays[] = { -2, -1, 0, 10000, (ssize_t)((size_t)-1 >> 1), -1 };
	unsigned arenas[] = { 100000, 0, 0, 0 };
	_Bool off[16] = { 0 }, on[16] = { 1 };
	size_t i;

	for (i = 0; i < CONTROLS; i++) {
		unsigned char value[16];
		size_t size = width(controls[i].type), length = size;

		/* What is there already does no harm when it is set. */
		memset(value, 0, sizeof value);
		if (controls[i].access == 'w')
			CHECK(vmemx_ctl(pool, controls[i].name, value, &length, NULL, 0) == 0);
		compare_all(controls[i].name, size, value);
	}
	for (i = 0; i < sizeof unknown / sizeof *unknown; i++)
		compare_all(unknown[i], 8, decays);
	for (i = 0; i < 5; i++) {
		unsigned char value[16] = { 0 };

		memcpy(value, &decays[i], sizeof decays[i]);
		compare("arenas.dirty_decay_ms", 1, 8, 1, value, 8);
		compare("arena.0.dirty_decay_ms", 1, 8, 1, value, 8);
	}
	compare("thread.arena", 1, 4, 1, arenas, 4);
	compare("thread.tcache.enabled", 1, 1, 1, off, 1);
	compare("thread.tcache.flush", 0, 0, 0, NULL, 0);
	compare("thread.idle", 0, 0, 0, NULL, 0);
	compare("thread.tcache.enabled", 1, 1, 1, on, 1);
	compare("thread.tcache.flush", 0, 0, 0, NULL, 0);
}

/* Names whose values mean the same have the same, and strings are strings. */
static void values_alike(void)
{
	static const char *const same[] = { "arenas.quantum", "arenas.page", "arena.0.initialized", "config.fill", "config.stats", "config.debug",
		"opt.tcache", "opt.zero", "opt.dirty_decay_ms", "opt.abort", "opt.stats_print", "arenas.bin.0.size" };
	static const char *const texts[] = { "opt.junk", "opt.zero_realloc", "config.malloc_conf", "opt.stats_print_opts" };
	size_t i, length;

	for (i = 0; i < sizeof same / sizeof *same; i++) {
		unsigned long long theirs = 0;

		length = sizeof theirs;
		CHECK(mallctl(same[i], &theirs, &length, NULL, 0) == 0 || length < sizeof theirs);
		if (theirs != number(pool, same[i])) {
			failures++;
			printf("%s is %llu, jemalloc: %llu\n", same[i], number(pool, same[i]), theirs);
		}
	}
	for (i = 0; i < sizeof texts / sizeof *texts; i++) {
		const char *ours = "", *theirs = "";

		length = sizeof ours;
		CHECK(vmemx_ctl(pool, texts[i], &ours, &length, NULL, 0) == 0 && mallctl(texts[i], &theirs, &length, NULL, 0) == 0);
		CHECK(strcmp(ours, theirs) == 0);
	}
	for (i = 0; i < sizeof refused / sizeof *refused; i++)
		CHECK(vmemx_ctl(pool, refused[i], NULL, NULL, NULL, 0) == ENOENT);
}

static void sizes_alike(void)
{
	size_t size;
	int lg;

	for (size = 1; size <= 4 * MIB; size++) {
		size_t ours = vmemx_nallocx(pool, size, 0);

		if (ours >= size && ours <= nallocx(size, 0))
			continue;
		failures++;
		printf("nallocx of %zu is %zu, jemalloc's %zu\n", size, ours, nallocx(size, 0));
	}
	for (size = 1; size <= 4 * MIB; size += size / 100 + 1) {
		for (lg = 0; lg < 24; lg++) {
			size_t ours = vmemx_nallocx(pool, size, VMEMX_LG_ALIGN(lg) | VMEMX_ZERO);

			if (ours >= size && ours <= nallocx(size, VMEMX_LG_ALIGN(lg) | VMEMX_ZERO))
				continue;
			failures++;
			printf("nallocx of %zu aligned to 2^%d is %zu, jemalloc's %zu\n", size, lg, ours, nallocx(size, VMEMX_LG_ALIGN(lg)));
		}
	}
}

int main(int count, char **words)
{
	static const char library[] = "libjemalloc.so.2";
	void *found;

	if (count == 1) {
		/* That it cannot be loaded now is expected; that there is none is another message. */
		if (dlopen(library, RTLD_LAZY) == NULL && strstr(dlerror(), "cannot open") != NULL)
			skip("libjemalloc.so.2 is not installed (Debian: libjemalloc2)");
		setenv("LD_PRELOAD", library, 1);
		unsetenv("MALLOC_CONF");
		execl("/proc/self/exe", words[0], "preloaded", (char *)NULL);
		require(0, "starting again");
	}
	found = dlsym(RTLD_DEFAULT, "mallctl");
	require(found != NULL, "jemalloc's mallctl");
	memcpy(&mallctl, &found, sizeof found);
	found = dlsym(RTLD_DEFAULT, "nallocx");
	require(found != NULL, "jemalloc's nallocx");
	memcpy(&nallocx, &found, sizeof found);
	pool = create_private(64 * MIB, "hardening:1,narenas:2");
	values_alike();
	controls_alike();
	sizes_alike();
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	return ended();
}
