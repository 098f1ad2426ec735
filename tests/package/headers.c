/* A C program of a user of the npm package: its headers, and two of its libraries. */
#include <stdio.h>
#include <string.h>
#include <libvmem.h>
#include <libvmem_ext.h>
#include <libvmmalloc.h>
#include <memkind.h>

int main(void)
{
	VMEM *pool = vmem_create("/tmp", VMEM_MIN_POOL);
	char *text = pool == NULL ? NULL : vmem_strdup(pool, "the C program ran");
	struct memkind *kind;
	char *copy;

	if (text == NULL || vmemx_owner(text) != pool)
		return 1;
	if (memkind_create_pmem("/tmp", MEMKIND_PMEM_MIN_SIZE, &kind) != 0)
		return 2;
	copy = memkind_malloc(kind, strlen(text) + 1);
	if (copy == NULL)
		return 3;
	puts(strcpy(copy, text));
	memkind_free(kind, copy);
	memkind_destroy_kind(kind);
	vmem_delete(pool);
	return 0;
}
