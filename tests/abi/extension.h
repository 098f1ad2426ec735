/* What the programs about libvmem_ext.h share. */
#ifndef EXTENSION_H
#define EXTENSION_H

#include "test.h"

#include <libvmem_ext.h>

/* The call returns 0, sets errno to `code`, and the message contains `part`. */
#define CHECK_ZERO(call, code, part) \
	do { \
		errno = 0; \
		CHECK((call) == 0); \
		CHECK(errno == (code)); \
		CHECK(strstr(vmem_errormsg(), (part)) != NULL); \
	} while (0)

/* A pool of private memory that grows to `size`; `conf` may be NULL. */
static inline VMEM *create_private(size_t size, const char *conf)
{
	struct vmemx_options options;
	VMEM *pool;

	memset(&options, 0, sizeof options);
	options.struct_size = sizeof options;
	options.flags = VMEMX_PRIVATE;
	options.max_size = size;
	options.conf = conf;
	pool = vmemx_create(&options);
	require(pool != NULL, "vmemx_create");
	return pool;
}

/* A number of the pool by its name, whatever its type: what is shorter than 8 bytes is stored whole all the same. */
static inline unsigned long long number(VMEM *pool, const char *name)
{
	unsigned long long value = 0;
	size_t length = sizeof value;
	int result = vmemx_ctl(pool, name, &value, &length, NULL, 0);

	CHECK(result == 0 || (result == EINVAL && length < sizeof value));
	return value;
}

static inline int is_all(const void *block, int byte, size_t size)
{
	const unsigned char *bytes = block;
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i] != byte)
			return 0;
	return 1;
}

#endif
