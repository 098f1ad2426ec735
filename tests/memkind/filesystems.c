/*
 * Kinds on file systems: they grow, give back, use holes again, keep to their limit, and survive a full file system and one that
 * cannot punch holes. The folders are arguments, by default memory and a disk; in `deno task test:dax` others.
 */
#include "test.h"
#include <sys/statvfs.h>
#include <sys/vfs.h>

#define LIMIT (48 * MIB)
#define COUNT 360

static const char *where;

struct place {
	int punches;
	/* What it takes and gives storage in. */
	size_t unit;
	size_t total;
};

static struct place look_at(const char *dir)
{
	struct place place = {0, 64 * KIB, 0};
	struct statfs about;
	char name[4096];
	int fd;

	require(statfs(dir, &about) == 0, "statfs");
	place.total = (size_t)about.f_blocks * (size_t)about.f_bsize;
	if ((size_t)about.f_bsize > place.unit)
		place.unit = (size_t)about.f_bsize;
	snprintf(name, sizeof(name), "%s/punch-XXXXXX", dir);
	fd = mkstemp(name);
	require(fd >= 0, "mkstemp");
	unlink(name);
	require(ftruncate(fd, (off_t)place.unit) == 0, "ftruncate");
	place.punches = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)place.unit) == 0;
	close(fd);
	return place;
}

static size_t file_size(memkind_t kind)
{
	struct stat status;
	require(fstat(pmem(kind)->fd, &status) == 0, "fstat");
	return (size_t)status.st_size;
}

/* Every mapping of the kind's file lies as far behind the first block's as its place in the file says. */
static void check_offsets(memkind_t kind, const char *block, int how_many)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[8192], bytes[16];
	struct stat status;
	unsigned long long base = 0;
	int found = 0, holds = 0;

	require(maps != NULL, "/proc/self/maps");
	CHECK(fstat(pmem(kind)->fd, &status) == 0);
	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long long start, end, offset, inode;
		if (sscanf(line, "%llx-%llx %*s %llx %*s %llu", &start, &end, &offset, &inode) != 4 || inode != status.st_ino)
			continue;
		if (found++ == 0)
			base = start - offset;
		CHECK(start - offset == base);
		if ((uintptr_t)block < start || (uintptr_t)block >= end)
			continue;
		holds = 1;
		CHECK(pread(pmem(kind)->fd, bytes, sizeof(bytes), (off_t)((uintptr_t)block - start + offset)) == sizeof(bytes));
		CHECK(memcmp(bytes, block, sizeof(bytes)) == 0);
	}
	fclose(maps);
	CHECK(found >= how_many && holds);
}

static size_t size_of(size_t i)
{
	const size_t sizes[] = {64, 3000, 20000, 150000, 400000, 1000};
	return sizes[i % 6] + i;
}

static int holds(const char *block, size_t i)
{
	size_t at, size = size_of(i);
	for (at = 0; at < size; at += 61)
		if (block[at] != (char)(i + 1))
			return 0;
	return block[size - 1] == (char)(i + 1);
}

static void fill(memkind_t kind, char **blocks)
{
	size_t i;
	for (i = 0; i < COUNT; i++) {
		if (blocks[i] != NULL)
			continue;
		blocks[i] = memkind_malloc(kind, size_of(i));
		CHECK(blocks[i] != NULL);
		require(blocks[i] != NULL, "memkind_malloc");
		memset(blocks[i], (int)(i + 1), size_of(i));
	}
}

static void drop(memkind_t kind, char **blocks, size_t step)
{
	size_t i;
	for (i = 0; i < COUNT; i += step) {
		if (blocks[i] == NULL)
			continue;
		CHECK(holds(blocks[i], i));
		memkind_free(i % 2 == 0 ? kind : NULL, blocks[i]);
		blocks[i] = NULL;
	}
}

static void lives(memkind_mem_usage_policy policy, const struct place *place)
{
	static char *blocks[COUNT];
	memkind_t kind = create_with(where, LIMIT, policy);
	size_t round, i;

	CHECK(storage(kind) <= 2 * place->unit);
	for (round = 0; round < 2; round++) {
		char *zero;
		fill(kind, blocks);
		check_offsets(kind, blocks[3], 1);
		CHECK(file_size(kind) <= LIMIT && storage(kind) <= LIMIT + 1 * MIB);
		drop(kind, blocks, 2);
		fill(kind, blocks); /* into the holes */
		CHECK(file_size(kind) <= LIMIT);
		drop(kind, blocks, 3);
		check_offsets(kind, blocks[4], 1);
		drop(kind, blocks, 1);
		if (place->punches && round == 0)
			CHECK(falls_to(kind, 4 * place->unit));
		zero = memkind_calloc(kind, 1, 30 * MIB);
		require(zero != NULL, "memkind_calloc");
		for (i = 0; i < 30 * MIB; i += 509)
			if (zero[i] != 0)
				break;
		CHECK(i >= 30 * MIB);
		memset(zero, 77, 30 * MIB);
		memkind_free(kind, zero);
	}
	CHECK_CALL(memkind_malloc(kind, LIMIT + 1), NULL, ENOMEM);
	CHECK(memkind_malloc(kind, LIMIT) != NULL);
	CHECK(file_size(kind) <= LIMIT);
	CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
}

/* What the file system does not have is ENOMEM; what there is can be written to, and freed storage be had again. */
static void until_full(memkind_mem_usage_policy policy, const struct place *place)
{
	static char *blocks[4096];
	memkind_t kind = create_with(where, 0, policy);
	size_t count = 0, again, i;

	CHECK(memkind_get_capacity(kind) > 0);
	for (again = 0; again < 2; again++) {
		while (count < 4096 && (blocks[count] = memkind_malloc(kind, 512 * KIB)) != NULL) {
			blocks[count][0] = blocks[count][512 * KIB - 1] = 5;
			count++;
		}
		CHECK(count < 4096);
		CHECK(count * 512 * KIB * 10 >= place->total * 7);
		CHECK_CALL(memkind_malloc(kind, 4 * MIB), NULL, ENOMEM);
		CHECK_CALL(memkind_calloc(kind, 3, 2 * MIB), NULL, ENOMEM);
		for (i = 0; i < count; i++)
			CHECK(blocks[i][0] == 5 && blocks[i][512 * KIB - 1] == 5);
		for (i = again == 0 ? count / 2 : 0; i < count; i++)
			memkind_free(NULL, blocks[i]);
		count = again == 0 ? count / 2 : 0;
	}
	CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
}

static int everything(void *folder)
{
	struct place place;
	const char *dax;
	int policy;

	where = folder;
	place = look_at(where);
	dax = getenv("VMEM_TEST_FSDAX");
	if (dax != NULL && strcmp(dax, where) == 0)
		CHECK_CALL(memkind_check_dax_path(where), MEMKIND_SUCCESS, 0);
	else
		CHECK(memkind_check_dax_path(where) == MEMKIND_ERROR_MMAP);
	for (policy = 0; policy < 2; policy++) {
		lives((memkind_mem_usage_policy)policy, &place);
		if (place.total > 0 && place.total <= 512 * MIB)
			until_full((memkind_mem_usage_policy)policy, &place);
	}
	if (failures > 0)
		printf("that was on \"%s\", which %s holes\n", where, place.punches ? "punches" : "does not punch");
	return ended();
}

/* At the same time, for giving back takes its time. */
int main(int argc, char **argv)
{
	const char *usual[] = {"/dev/shm", directory()};
	int i, status, left = argc > 1 ? argc - 1 : 2;

	for (i = 0; i < left; i++) {
		pid_t child = fork();
		require(child >= 0, "fork");
		if (child == 0)
			_exit(everything(argc > 1 ? argv[i + 1] : (char *)usual[i]));
	}
	while (left-- > 0) {
		CHECK(wait(&status) > 0);
		CHECK(status == 0);
	}
	return ended();
}
