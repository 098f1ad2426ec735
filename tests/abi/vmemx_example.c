/* The example of libvmem_ext.h, word for word. */
#include <stdio.h>
#include <libvmem_ext.h>

int main(void)
{
    struct vmemx_options options = VMEMX_OPTIONS_INIT;
    size_t allocated, length = sizeof allocated;
    VMEM *pool;
    void *block;

    options.dir = "/tmp";
    options.max_size = (size_t)1 << 30;
    pool = vmemx_create(&options);
    if (pool == NULL) {
        fprintf(stderr, "vmemx_create: %s\n", vmem_errormsg());
        return 1;
    }
    block = vmemx_mallocx(pool, 1000, VMEMX_ALIGN(256) | VMEMX_ZERO);
    if (block == NULL) {
        perror("vmemx_mallocx");
        return 1;
    }
    if (vmemx_ctl(pool, "stats.allocated", &allocated, &length, NULL, 0) == 0)
        printf("%lu bytes are in use\n", (unsigned long)allocated);
    vmemx_sdallocx(pool, block, 1000, VMEMX_ALIGN(256));
    vmem_delete(pool);
    return 0;
}
