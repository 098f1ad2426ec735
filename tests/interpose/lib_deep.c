/* A library that the test opens with RTLD_DEEPBIND: its malloc is the C library's. */
#include <stdlib.h>

void *library_malloc(size_t size)
{
	return malloc(size);
}
