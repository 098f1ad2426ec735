/* vmem_strdup() and vmem_wcsdup(). */
#include "test.h"

#include <wchar.h>

int main(void)
{
	VMEM *pool = create(VMEM_MIN_POOL);
	static char text[100001];
	static wchar_t wide[30001];
	char *copy, *empty;
	wchar_t *wide_copy, *wide_empty;
	size_t i;

	memset(text, 'x', sizeof text - 1);
	copy = vmem_strdup(pool, text);
	CHECK(copy != NULL && copy != text && strcmp(copy, text) == 0);
	CHECK(vmem_malloc_usable_size(pool, copy) >= sizeof text);
	empty = vmem_strdup(pool, "");
	CHECK(empty != NULL && empty[0] == '\0' && vmem_malloc_usable_size(pool, empty) == 8);

	for (i = 0; i < 30000; i++)
		wide[i] = (wchar_t)(0x10ffff - i);
	wide_copy = vmem_wcsdup(pool, wide);
	CHECK(wide_copy != NULL && wide_copy != wide && wcscmp(wide_copy, wide) == 0);
	CHECK(vmem_malloc_usable_size(pool, wide_copy) >= sizeof wide);
	wide_empty = vmem_wcsdup(pool, L"");
	CHECK(wide_empty != NULL && wide_empty[0] == L'\0');

	CHECK_REFUSED(vmem_strdup(pool, NULL), EINVAL, "");
	CHECK_REFUSED(vmem_wcsdup(pool, NULL), EINVAL, "");
	while (vmem_malloc(pool, 50000) != NULL)
		;
	CHECK_REFUSED(vmem_strdup(pool, text), ENOMEM, "");
	CHECK_REFUSED(vmem_wcsdup(pool, wide), ENOMEM, "");
	vmem_free(pool, copy);
	vmem_free(pool, wide_copy);
	vmem_free(pool, empty);
	vmem_free(pool, wide_empty);
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	return ended();
}
