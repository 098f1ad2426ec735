/*
 * A program as it was before this library: it has never seen its header, and declares what it calls as the manuals of
 * libvmem 1.x do. It prints one line.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

typedef struct vmem VMEM;

VMEM *vmem_create(const char *dir, size_t size);
VMEM *vmem_create_in_region(void *addr, size_t size);
void vmem_delete(VMEM *vmp);
int vmem_check(VMEM *vmp);
void vmem_stats_print(VMEM *vmp, const char *opts);
void *vmem_malloc(VMEM *vmp, size_t size);
void vmem_free(VMEM *vmp, void *ptr);
void *vmem_calloc(VMEM *vmp, size_t nmemb, size_t size);
void *vmem_realloc(VMEM *vmp, void *ptr, size_t size);
void *vmem_aligned_alloc(VMEM *vmp, size_t alignment, size_t size);
char *vmem_strdup(VMEM *vmp, const char *s);
wchar_t *vmem_wcsdup(VMEM *vmp, const wchar_t *s);
size_t vmem_malloc_usable_size(VMEM *vmp, void *ptr);
const char *vmem_check_version(unsigned major_required, unsigned minor_required);
void vmem_set_funcs(void *(*malloc_func)(size_t size), void (*free_func)(void *ptr),
	void *(*realloc_func)(void *ptr, size_t size), char *(*strdup_func)(const char *s),
	void (*print_func)(const char *s));
const char *vmem_errormsg(void);

static size_t printed;

static void print(const char *text)
{
	printed += strlen(text);
}

int main(int count, char **words)
{
	static char region[(14 << 20) + 8192];
	char *page = (char *)(((size_t)region + 4095) & ~(size_t)4095);
	VMEM *pool, *inside;
	char *text;
	wchar_t *wide;

	if (vmem_check_version(1, 1) != NULL)
		return 1;
	vmem_set_funcs(NULL, NULL, NULL, NULL, print);
	pool = vmem_create(count > 1 ? words[1] : "/tmp", 14 << 20);
	if (pool == NULL) {
		fprintf(stderr, "%s\n", vmem_errormsg());
		return 2;
	}
	inside = vmem_create_in_region(page, 14 << 20);
	text = vmem_strdup(inside, "dropped");
	text = vmem_realloc(inside, text, 100000);
	strcat(text, " in");
	wide = vmem_wcsdup(pool, L"wide");
	memset(vmem_aligned_alloc(pool, 4096, 100), 1, 100);
	vmem_stats_print(pool, "gmabl");
	if (inside != (VMEM *)page || printed == 0 || wcscmp(wide, L"wide") != 0 || vmem_check(pool) != 1 ||
	    vmem_malloc_usable_size(inside, text) < 100000 || vmem_calloc(pool, 1, 1) == NULL)
		return 3;
	puts(text);
	vmem_free(inside, text);
	vmem_free(pool, vmem_malloc(pool, 1));
	vmem_delete(inside);
	vmem_delete(pool);
	return 0;
}
