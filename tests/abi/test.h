/* What the programs of this folder share. Each is one test of libvmem.so.1 through its public header; see program.h. */
#ifndef TEST_H
#define TEST_H

#include <libvmem.h>

#include "../program.h"

static inline const char *last_message(void)
{
	return vmem_errormsg();
}

/* The call returns NULL, sets errno to `code`, and the message contains `part`. */
#define CHECK_REFUSED(call, code, part) \
	do { \
		errno = 0; \
		CHECK((call) == NULL); \
		CHECK(errno == (code)); \
		CHECK(strstr(vmem_errormsg(), (part)) != NULL); \
	} while (0)

/* The call leaves errno alone. */
#define CHECK_ERRNO_KEPT(call) \
	do { \
		errno = 4711; \
		(void)(call); \
		CHECK(errno == 4711); \
	} while (0)

static inline VMEM *create(size_t size)
{
	VMEM *pool = vmem_create(directory(), size);
	require(pool != NULL, "vmem_create");
	return pool;
}

#endif
