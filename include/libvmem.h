/* Placeholder until the header of libvmem lands. */
#ifndef LIBVMEM_H
#define LIBVMEM_H
const char *vmem_errormsg(void);
#endif
