/* vmem_strdup(): a copy in a block of its own, of any length, or none at all. */
#include "test.h"

int main(void)
{
	static char text[100001];
	VMEM *pool = create(VMEM_MIN_POOL);
	char *copy, *empty;
	size_t length;

	memset(text, 'x', sizeof text - 1);
	copy = vmem_strdup(pool, text);
	CHECK(copy != NULL && copy != text && strcmp(copy, text) == 0);
	CHECK(vmem_malloc_usable_size(pool, copy) >= sizeof text);
	empty = vmem_strdup(pool, "");
	CHECK(empty != NULL && empty[0] == '\0' && vmem_malloc_usable_size(pool, empty) == 8);
	/* The end of the text is the end of the block, where that is a size of its own. */
	for (length = 0; length < 5000; length = length * 5 / 4 + 1) {
		char *other = vmem_strdup(pool, text + sizeof text - 1 - length);
		CHECK(other != NULL && strlen(other) == length && vmem_malloc_usable_size(pool, other) > length);
		vmem_free(pool, other);
	}
	CHECK_ERRNO_KEPT(vmem_free(pool, vmem_strdup(pool, "kept")));

	CHECK_REFUSED(vmem_strdup(pool, NULL), EINVAL, "");
	CHECK_REFUSED(vmem_strdup(NULL, "a"), EINVAL, "invalid pool handle: 0x0");
	while (vmem_malloc(pool, 50000) != NULL)
		;
	CHECK_REFUSED(vmem_strdup(pool, text), ENOMEM, "");
	vmem_free(pool, copy);
	vmem_free(pool, empty);
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	return ended();
}
