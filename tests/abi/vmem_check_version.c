/* vmem_check_version(). */
#include "test.h"

int main(void)
{
	const char *reason;

	errno = 4711;
	CHECK(vmem_check_version(VMEM_MAJOR_VERSION, VMEM_MINOR_VERSION) == NULL);
	CHECK(vmem_check_version(1, 0) == NULL);
	CHECK(vmem_errormsg()[0] == '\0');
	reason = vmem_check_version(2, 1);
	CHECK(reason != NULL && strcmp(reason, "libvmem major version mismatch (need 2, found 1)") == 0);
	CHECK(strcmp(vmem_errormsg(), reason) == 0);
	CHECK(vmem_check_version(0, 0) != NULL);
	reason = vmem_check_version(1, 2);
	CHECK(reason != NULL && strcmp(reason, "libvmem minor version mismatch (need 2, found 1)") == 0);
	CHECK(vmem_check_version(1, (unsigned)-1) != NULL);
	CHECK(errno == 4711);
	return ended();
}
