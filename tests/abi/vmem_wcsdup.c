/* vmem_wcsdup(): as vmem_strdup() for characters of four bytes. */
#include "test.h"

#include <wchar.h>

int main(void)
{
	static wchar_t text[30001];
	VMEM *pool = create(VMEM_MIN_POOL);
	wchar_t *copy, *empty;
	size_t i;

	for (i = 0; i < 30000; i++)
		text[i] = (wchar_t)(0x10ffff - i);
	copy = vmem_wcsdup(pool, text);
	CHECK(copy != NULL && copy != text && wcscmp(copy, text) == 0);
	CHECK((uintptr_t)copy % sizeof(wchar_t) == 0);
	CHECK(vmem_malloc_usable_size(pool, copy) >= sizeof text);
	empty = vmem_wcsdup(pool, L"");
	CHECK(empty != NULL && empty[0] == L'\0' && vmem_malloc_usable_size(pool, empty) == 8);
	/* A character whose bytes are mostly zeros does not end it. */
	text[0] = 1;
	text[1] = 0x100;
	text[2] = 0x10000;
	text[3] = 0;
	vmem_free(pool, copy);
	copy = vmem_wcsdup(pool, text);
	CHECK(copy != NULL && wcslen(copy) == 3 && copy[1] == 0x100 && copy[2] == 0x10000);
	CHECK_ERRNO_KEPT(vmem_free(pool, vmem_wcsdup(pool, L"kept")));

	CHECK_REFUSED(vmem_wcsdup(pool, NULL), EINVAL, "");
	CHECK_REFUSED(vmem_wcsdup(NULL, L"a"), EINVAL, "invalid pool handle: 0x0");
	for (i = 0; i < 30000; i++)
		text[i] = L'x';
	while (vmem_malloc(pool, 50000) != NULL)
		;
	CHECK_REFUSED(vmem_wcsdup(pool, text), ENOMEM, "");
	vmem_free(pool, copy);
	vmem_free(pool, empty);
	CHECK(vmem_check(pool) == 1);
	vmem_delete(pool);
	return ended();
}
