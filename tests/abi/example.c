/* The example of the header, word for word. */
#include <stdio.h>
#include <string.h>
#include <libvmem.h>

int main(void)
{
    VMEM *pool = vmem_create("/tmp", VMEM_MIN_POOL);
    char *text;

    if (pool == NULL) {
        fprintf(stderr, "vmem_create: %s\n", vmem_errormsg());
        return 1;
    }
    text = (char *)vmem_malloc(pool, 100);
    if (text == NULL) {
        perror("vmem_malloc");
        return 1;
    }
    strcpy(text, "hello, world");
    puts(text);
    vmem_free(pool, text);
    vmem_delete(pool);
    return 0;
}
