/* What memkind_create_pmem and its like return, set, and leave alone. */
#define MEMKIND_DEPRECATED(function) function
#include "test.h"

static memkind_t sentinel(void)
{
	return (memkind_t)&failures;
}

static void refused(const char *dir, size_t size, int code)
{
	memkind_t kind = sentinel();
	CHECK_CALL(memkind_create_pmem(dir, size, &kind), MEMKIND_ERROR_INVALID, code);
	CHECK(kind == sentinel());
}

static void sizes(void)
{
	const size_t good[] = {0, 16 * MIB, 16 * MIB + 1, 64 * MIB, (size_t)1 << 40, (size_t)1 << 50};
	const size_t bad[] = {1, 4096, 16 * MIB - 1, SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 4 * MIB, (size_t)1 << 63};
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		memkind_t kind = NULL;
		size_t rounded = (good[i] + 2 * MIB - 1) / (2 * MIB) * (2 * MIB);
		CHECK_CALL(memkind_create_pmem(directory(), good[i], &kind), MEMKIND_SUCCESS, 0);
		CHECK(pmem(kind)->max_size == rounded);
		CHECK(pmem(kind)->current_size < 2 * MIB);
		CHECK(pmem(kind)->fd > 2);
		CHECK(fcntl(pmem(kind)->fd, F_GETFD) == FD_CLOEXEC);
		CHECK(good[i] == 0 ? memkind_get_capacity(kind) > (ssize_t)(64 * MIB) : memkind_get_capacity(kind) == (ssize_t)rounded);
		CHECK(memkind_check_available(kind) == MEMKIND_SUCCESS);
		CHECK(memkind_malloc(kind, 1000) != NULL);
		CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refused(directory(), bad[i], 0);
}

static void directories(void)
{
	char deep[5000];
	char file[200];
	int fd;

	refused("/nowhere/at/all", 0, ENOENT);
	refused("/dev/null", 0, ENOTDIR);
	refused("/proc/self/exe", 0, ENOTDIR);
	refused(NULL, 0, EINVAL);
	memset(deep, 'a', sizeof(deep));
	deep[0] = '/';
	deep[4097] = 0;
	refused(deep, 0, 0);
	deep[4096] = 0;
	refused(deep, 0, ENAMETOOLONG);
	snprintf(file, sizeof(file), "%s/memkind.XXXXXX", directory());
	fd = mkstemp(file);
	require(fd >= 0, "mkstemp");
	refused(file, 0, ENOTDIR);
	unlink(file);
	close(fd);
	if (geteuid() != 0) {
		refused("/", 0, EACCES);
	} else {
		memkind_t kind = NULL;
		CHECK_CALL(memkind_create_pmem("", 0, &kind), MEMKIND_SUCCESS, 0);
		CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
	}
}

static void arguments(void)
{
	int stack;
	CHECK_CALL(memkind_create_pmem(directory(), 0, NULL), MEMKIND_ERROR_INVALID, EINVAL);
	CHECK_CALL(memkind_create_pmem_with_config(NULL, NULL), MEMKIND_ERROR_INVALID, EINVAL);
	CHECK_CALL(memkind_create_fixed(&stack, 0, NULL), MEMKIND_ERROR_INVALID, EINVAL);
	CHECK_CALL(memkind_destroy_kind(NULL), MEMKIND_ERROR_INVALID, EINVAL);
	CHECK(memkind_destroy_kind(MEMKIND_DEFAULT) == MEMKIND_SUCCESS);
	CHECK(memkind_destroy_kind((memkind_t)&stack) == MEMKIND_ERROR_OPERATION_FAILED);
	CHECK(memkind_get_capacity(NULL) == -1);
	CHECK(memkind_check_available(NULL) == MEMKIND_ERROR_INVALID);
	CHECK(memkind_check_available((memkind_t)&stack) == MEMKIND_ERROR_INVALID);
	memkind_config_delete(NULL);
	memkind_config_set_path(NULL, "/");
	memkind_config_set_size(NULL, 1);
	memkind_config_set_memory_usage_policy(NULL, MEMKIND_MEM_USAGE_POLICY_DEFAULT);
}

static unsigned kinds_free(void)
{
	unsigned i, count = 0;
	memkind_t kind;
	for (i = 0; i < 600; i++)
		count += memkind_get_kind_by_partition((int)i, &kind) != MEMKIND_SUCCESS;
	return count;
}

/* A policy that there is not makes no kind, and leaks none. */
static void policies(void)
{
	struct memkind_config *config = memkind_config_new();
	const int wrong[] = {-1, MEMKIND_MEM_USAGE_POLICY_MAX_VALUE, 77};
	unsigned before = kinds_free();
	memkind_t kind;
	size_t i;
	int descriptor = dup(0);

	close(descriptor);
	memkind_config_set_path(config, directory());
	memkind_config_set_size(config, 32 * MIB);
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		kind = sentinel();
		memkind_config_set_memory_usage_policy(config, (memkind_mem_usage_policy)wrong[i]);
		CHECK_CALL(memkind_create_pmem_with_config(config, &kind), MEMKIND_ERROR_INVALID, 0);
		CHECK(kind == sentinel());
	}
	CHECK(kinds_free() == before);
	CHECK(dup(0) == descriptor);
	close(descriptor);
	memkind_config_set_memory_usage_policy(config, MEMKIND_MEM_USAGE_POLICY_CONSERVATIVE);
	CHECK_CALL(memkind_create_pmem_with_config(config, &kind), MEMKIND_SUCCESS, 0);
	CHECK(memkind_get_capacity(kind) == (ssize_t)(32 * MIB));
	CHECK(memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
	memkind_config_delete(config);
}

/* What ended says no, and its slot serves the next kind, the lowest first, with its name and arena. */
static void slots(void)
{
	memkind_t kinds[20];
	char names[20][64];
	unsigned arenas[20];
	size_t i;
	void *block;

	for (i = 0; i < 20; i++) {
		kinds[i] = create(16 * MIB);
		memcpy(names[i], inside(kinds[i])->name, 64);
		arenas[i] = inside(kinds[i])->arena_zero;
		CHECK(i == 0 || (strcmp(names[i], names[i - 1]) != 0 && arenas[i] != arenas[i - 1]));
	}
	block = memkind_malloc(kinds[7], 100);
	CHECK(memkind_destroy_kind(kinds[12]) == MEMKIND_SUCCESS);
	CHECK(memkind_destroy_kind(kinds[7]) == MEMKIND_SUCCESS);
	CHECK(memkind_destroy_kind(kinds[7]) == MEMKIND_ERROR_OPERATION_FAILED);
	CHECK_CALL(memkind_malloc(kinds[7], 100), NULL, EINVAL);
	CHECK_CALL(memkind_realloc(kinds[7], block, 1000), NULL, EINVAL);
	CHECK(memkind_malloc_usable_size(kinds[7], block) == 0);
	CHECK(memkind_detect_kind(block) == NULL);
	memkind_free(kinds[7], block);
	memkind_free(NULL, block);
	for (i = 7; i <= 12; i += 5) {
		kinds[i] = create(16 * MIB);
		CHECK(strcmp(inside(kinds[i])->name, names[i]) == 0);
		CHECK(inside(kinds[i])->arena_zero == arenas[i]);
	}
	for (i = 0; i < 20; i++)
		CHECK(memkind_destroy_kind(kinds[i]) == MEMKIND_SUCCESS);
}

static void texts(void)
{
	char text[MEMKIND_ERROR_MESSAGE_SIZE];
	const int codes[] = {-1, -2, -3, -6, -12, -13, -15, -17, -18, -20, -21, -22, -255, EINVAL, ENOMEM, -4, 1};
	size_t i, size;
	for (i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		memkind_error_message(codes[i], text, sizeof(text));
		CHECK(strncmp(text, "<memkind> ", 10) == 0 && strlen(text) > 15 && strlen(text) < sizeof(text));
		for (size = 1; size < 20; size++) {
			memset(text, 'x', sizeof(text));
			memkind_error_message(codes[i], text, size);
			CHECK(strlen(text) == size - 1 && text[size] == 'x');
		}
	}
	memkind_error_message(-4, text, sizeof(text));
	CHECK(strstr(text, "-4") != NULL);
	memkind_error_message(-4, NULL, 10);
	memkind_error_message(-4, text, 0);
	CHECK(memkind_get_version() == 1014000);
}

static void dax(void)
{
	CHECK_CALL(memkind_check_dax_path("/dev/shm"), MEMKIND_ERROR_MMAP, EOPNOTSUPP);
	CHECK_CALL(memkind_check_dax_path("/nowhere"), MEMKIND_ERROR_RUNTIME, ENOENT);
	CHECK_CALL(memkind_check_dax_path("/dev/null"), MEMKIND_ERROR_RUNTIME, ENOTDIR);
	CHECK_CALL(memkind_check_dax_path(NULL), MEMKIND_ERROR_RUNTIME, EINVAL);
}

int main(void)
{
	sizes();
	directories();
	arguments();
	policies();
	slots();
	texts();
	dax();
	return ended();
}
