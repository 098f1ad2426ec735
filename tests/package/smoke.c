/*
 * The libraries of one platform, by a program for that platform: tools/package.ts runs it under an emulator and under another C
 * library. `smoke FOLDER` opens libvmem_ffi.so, libvmem.so.1 and libmemkind.so.0 there, late and from a thread, as a runtime
 * does; with libvmmalloc.so.1 in LD_PRELOAD, `smoke` asks whether malloc is that library's.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(condition) \
	((condition) ? (void)0 : (void)(failures++, printf("%s:%d: not true: %s\n", __FILE__, __LINE__, #condition)))

static void *library(const char *folder, const char *name)
{
	char path[4096];
	void *opened;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	opened = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (opened == NULL) {
		printf("%s\n", dlerror());
		failures++;
	}
	return opened;
}

/* A function of a library; its absence ends the program, as there is nothing to call. */
static void *function(void *opened, const char *name)
{
	void *found = opened == NULL ? NULL : dlsym(opened, name);

	if (found == NULL) {
		printf("there is no function %s\n", name);
		exit(1);
	}
	return found;
}

struct pools {
	void *(*create)(const char *, size_t);
	void (*delete)(void *);
	void *(*allocate)(void *, size_t);
	void (*free)(void *, void *);
	int (*check)(void *);
	void *pool;
};

/* Blocks of many sizes, each filled and looked at again before it is freed. */
static void *churn(void *argument)
{
	struct pools *pools = argument;
	unsigned char *blocks[200];
	int i;

	for (i = 0; i < 200; i++) {
		size_t size = (size_t)(i + 1) * 97;
		blocks[i] = pools->allocate(pools->pool, size);
		if (blocks[i] == NULL) {
			CHECK(!"there is room");
			return NULL;
		}
		memset(blocks[i], i, size);
	}
	for (i = 0; i < 200; i++) {
		CHECK(blocks[i][0] == i && blocks[i][(i + 1) * 97 - 1] == i);
		pools->free(pools->pool, blocks[i]);
	}
	return NULL;
}

static void vmem(const char *folder)
{
	void *opened = library(folder, "libvmem.so.1");
	struct pools pools;
	pthread_t thread;

	*(void **)&pools.create = function(opened, "vmem_create");
	*(void **)&pools.delete = function(opened, "vmem_delete");
	*(void **)&pools.allocate = function(opened, "vmem_malloc");
	*(void **)&pools.free = function(opened, "vmem_free");
	*(void **)&pools.check = function(opened, "vmem_check");
	pools.pool = pools.create("/tmp", (size_t)14 << 20);
	CHECK(pools.pool != NULL);
	if (pools.pool == NULL) return;
	CHECK(pthread_create(&thread, NULL, churn, &pools) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	churn(&pools);
	CHECK(pools.check(pools.pool) == 1);
	pools.delete(pools.pool);
}

static void memkind(const char *folder)
{
	void *opened = library(folder, "libmemkind.so.0");
	int (*create)(const char *, size_t, void **);
	int (*destroy)(void *);
	void *(*allocate)(void *, size_t);
	void (*release)(void *, void *);
	void *kind = NULL, *block;

	*(void **)&create = function(opened, "memkind_create_pmem");
	*(void **)&destroy = function(opened, "memkind_destroy_kind");
	*(void **)&allocate = function(opened, "memkind_malloc");
	*(void **)&release = function(opened, "memkind_free");
	CHECK(create("/tmp", (size_t)32 << 20, &kind) == 0);
	if (kind == NULL) return;
	block = allocate(kind, 1000);
	CHECK(block != NULL);
	if (block != NULL) memset(block, 1, 1000);
	release(kind, block);
	CHECK(destroy(kind) == 0);
}

/* The library of the TypeScript package; its functions need a runtime, this one only says which version it is. */
static void ffi(const char *folder)
{
	void *opened = library(folder, "libvmem_ffi.so");
	unsigned int (*abi)(void);

	*(void **)&abi = function(opened, "vmem_ffi_abi");
	CHECK(abi() != 0);
	function(opened, "napi_register_module_v1");
}

static void *first(void *argument)
{
	unsigned char *block = malloc(100000);

	(void)argument;
	CHECK(block != NULL);
	if (block != NULL) memset(block, 7, 100000);
	return block;
}

/* Memory of the process comes from the file that the preloaded library maps. */
static void preloaded(void)
{
	FILE *maps;
	char line[4096];
	pthread_t thread;
	void *block = NULL;
	int inside = 0;

	CHECK(pthread_create(&thread, NULL, first, NULL) == 0);
	CHECK(pthread_join(thread, &block) == 0);
	maps = fopen("/proc/self/maps", "r");
	CHECK(maps != NULL);
	if (maps == NULL) return;
	while (fgets(line, sizeof line, maps) != NULL) {
		uintptr_t from, to;
		if (sscanf(line, "%lx-%lx", (unsigned long *)&from, (unsigned long *)&to) != 2) continue;
		if ((uintptr_t)block >= from && (uintptr_t)block < to) inside = strstr(line, "(deleted)") != NULL;
	}
	fclose(maps);
	CHECK(inside);
	free(block);
}

int main(int count, char **words)
{
	if (count > 1) {
		ffi(words[1]);
		vmem(words[1]);
		memkind(words[1]);
	} else {
		preloaded();
	}
	return failures == 0 ? 0 : 1;
}
