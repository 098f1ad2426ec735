/* vmemx_create(): every option, its limits, and records of other lengths. */
#include "extension.h"

static struct vmemx_options fresh(void)
{
	struct vmemx_options options = VMEMX_OPTIONS_INIT;

	options.dir = directory();
	options.max_size = 64 * MIB;
	return options;
}

static void used_and_deleted(VMEM *pool)
{
	char *block;

	require(pool != NULL, "vmemx_create");
	block = vmem_malloc(pool, 700000);
	CHECK(block != NULL && vmemx_owner(block) == pool);
	if (block != NULL)
		memset(block, 1, 700000);
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
}

static void sizes(void)
{
	struct vmemx_options options = fresh();
	VMEM *pool = vmemx_create(&options);
	unsigned long long committed;

	require(pool != NULL, "vmemx_create");
	CHECK(((uintptr_t)pool & (4 * MIB - 1)) == 0);
	CHECK(number(pool, "stats.mapped") == 64 * MIB);
	committed = number(pool, "vmem.committed");
	CHECK(committed < 8 * MIB);
	CHECK(vmem_malloc(pool, 30 * MIB) != NULL);
	CHECK(number(pool, "vmem.committed") >= 30 * MIB);
	CHECK_REFUSED(vmem_malloc(pool, 40 * MIB), ENOMEM, "");
	vmem_delete(pool);

	options.max_size = 0; /* all that the file system has */
	pool = vmemx_create(&options);
	require(pool != NULL, "vmemx_create");
	CHECK(number(pool, "stats.mapped") >= VMEMX_MIN_POOL);
	vmem_delete(pool);

	options.size = VMEMX_MIN_POOL; /* at once */
	pool = vmemx_create(&options);
	require(pool != NULL, "vmemx_create");
	CHECK(number(pool, "vmem.committed") == VMEMX_MIN_POOL);
	vmem_delete(pool);

	options.size = VMEMX_MIN_POOL - 1;
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "the smallest pool is 1048576 bytes");
	options.size = (size_t)-1;
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "the largest file");
	options.size = MIB;
	options.max_size = 2 * MIB;
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "are both given");
}

static void sources(void)
{
	struct vmemx_options options = fresh();
	void *region;

	options.dir = NULL;
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "neither dir nor region");
	options.flags = VMEMX_PRIVATE;
	used_and_deleted(vmemx_create(&options));
	options.dir = directory();
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "more than one is given");
	options.flags = 0;
	options.dir = "/nowhere";
	CHECK_REFUSED(vmemx_create(&options), ENOENT, "\"/nowhere\"");
	options.dir = "/dev/null/a";
	CHECK_REFUSED(vmemx_create(&options), ENOTDIR, "/dev/null/a");
	options.dir = "/dev/null";
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "a region or device does not grow");
	options.max_size = 0;
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "not a DAX device");

	options = fresh();
	region = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(region != MAP_FAILED, "mmap");
	options.dir = NULL;
	options.region = region;
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "max_size is 67108864 bytes, but a region");
	options.max_size = 0;
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "smallest pool");
	options.size = 4 * MIB;
	CHECK(vmemx_create(&options) == region);
	CHECK_REFUSED(vmemx_create(&options), EBUSY, "has this address already");
	used_and_deleted(region);
	options.region = (char *)region + 1;
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "multiple of the page size");
	munmap(region, 4 * MIB);
}

static void heap(void)
{
	struct vmemx_options options = fresh();
	VMEM *pool;
	unsigned level;

	for (level = 0; level < 4; level++) {
		options.hardening = VMEMX_HARDENING(level);
		options.narenas = level + 1;
		pool = vmemx_create(&options);
		require(pool != NULL, "vmemx_create");
		CHECK(number(pool, "vmem.hardening") == level && number(pool, "arenas.narenas") == level + 1);
		used_and_deleted(pool);
	}
	options.hardening = VMEMX_HARDENING(4);
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "hardening level 4 is asked for, of 0 to 3");
	options.hardening = 0;
	options.narenas = 1025;
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "narenas is 1025, of 0 to 1024");

	options = fresh();
	options.conf = "hardening:2,narenas:3,dirty_decay_ms:77,zero:true,tcache:false";
	pool = vmemx_create(&options);
	require(pool != NULL, "vmemx_create");
	CHECK(number(pool, "vmem.hardening") == 2 && number(pool, "arenas.narenas") == 3);
	CHECK(number(pool, "opt.dirty_decay_ms") == 77 && number(pool, "opt.zero") == 1 && number(pool, "opt.tcache") == 0);
	used_and_deleted(pool);
	options.hardening = VMEMX_HARDENING(0); /* goes before the string */
	options.give_back = VMEMX_GIVE_BACK_NEVER;
	pool = vmemx_create(&options);
	require(pool != NULL, "vmemx_create");
	CHECK(number(pool, "vmem.hardening") == 0 && number(pool, "opt.dirty_decay_ms") == (unsigned long long)-1);
	used_and_deleted(pool);
	options.conf = "hardening:9";
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "setting \"hardening:9\" refused: allowed are 0 to 3");
	options.conf = "prof:true";
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "no profiler");
	options.conf = "zero:true,abort:true";
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "of all pools together");
}

static void storage(void)
{
	struct vmemx_options options = fresh();
	VMEM *pool;
	unsigned way;

	for (way = VMEMX_GIVE_BACK_DECAY; way <= VMEMX_GIVE_BACK_NEVER; way++) {
		options.give_back = way;
		pool = vmemx_create(&options);
		require(pool != NULL, "vmemx_create");
		vmem_free(pool, vmem_malloc(pool, 40 * MIB));
		CHECK((number(pool, "vmem.committed") < 8 * MIB) == (way == VMEMX_GIVE_BACK_IMMEDIATE));
		vmem_delete(pool);
	}
	options.give_back = 4;
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "give_back is 4, of 0 to 3");

	options = fresh();
	options.flags = VMEMX_PREFAULT;
	used_and_deleted(vmemx_create(&options));
	options.flags = VMEMX_PRIVATE | VMEMX_HUGE_PAGES;
	options.dir = NULL;
	pool = vmemx_create(&options);
	CHECK(pool != NULL || errno == EOPNOTSUPP); /* not every kernel has them */
	if (pool != NULL)
		used_and_deleted(pool);
	options.flags = VMEMX_PRIVATE;
	options.numa_node = VMEMX_NUMA_NODE(0);
	pool = vmemx_create(&options);
	CHECK(pool != NULL || errno == EOPNOTSUPP || errno == EPERM);
	if (pool != NULL)
		used_and_deleted(pool);
	options.numa_node = VMEMX_NUMA_NODE(1000000);
	errno = 0;
	CHECK(vmemx_create(&options) == NULL && (errno == EINVAL || errno == EOPNOTSUPP || errno == EPERM));
	CHECK(strstr(vmem_errormsg(), "node") != NULL);
	options.numa_node = 0;
	options.flags |= 8;
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "flags are 0xc, of which 0x7 mean something");
	options.flags = VMEMX_PRIVATE;
	options.reserved = 5;
	CHECK_REFUSED(vmemx_create(&options), EINVAL, "reserved is 5, not 0");
}

static void records(void)
{
	union {
		struct vmemx_options options;
		char bytes[5000];
	} record;

	memset(&record, 0, sizeof record);
	CHECK_REFUSED(vmemx_create(NULL), EINVAL, "they are NULL");
	record.options = fresh();
	record.options.hardening = 99;
	record.options.struct_size = offsetof(struct vmemx_options, hardening); /* of an older program, which did not know it */
	used_and_deleted(vmemx_create(&record.options));
	record.options.hardening = 0;
	record.options.struct_size = sizeof record.options + 40; /* of a newer one, which does not say more */
	used_and_deleted(vmemx_create(&record.options));
	record.bytes[sizeof record.options + 39] = 1;
	CHECK_REFUSED(vmemx_create(&record.options), EINVAL, "knows the first 72 bytes, and byte 111 of 112 is not 0");
	record.options.struct_size--;
	used_and_deleted(vmemx_create(&record.options));
	record.options.struct_size = 7;
	CHECK_REFUSED(vmemx_create(&record.options), EINVAL, "struct_size is 7 bytes, of 8 to 4096");
	record.options.struct_size = 4097;
	CHECK_REFUSED(vmemx_create(&record.options), EINVAL, "struct_size is 4097 bytes");
	record.options.struct_size = 8;
	CHECK_REFUSED(vmemx_create(&record.options), EINVAL, "neither dir nor region");
}

int main(void)
{
	sizes();
	sources();
	heap();
	storage();
	records();
	CHECK_ERRNO_KEPT(vmem_delete(create_private(MIB, NULL)));
	return ended();
}
