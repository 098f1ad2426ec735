/* Functions with the signatures of the pool's malloc and free that do nothing: what a call itself costs. */
#include <stdint.h>

double bench_bare_malloc(double handle, double size) { return handle + size; }

int32_t bench_bare_free(double handle, double pointer) { return handle == pointer; }
