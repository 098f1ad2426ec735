/* A program that forbids itself what the pool needs to grow, a call or larger files, goes on in private memory. */
#include "test.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* fallocate, as with a filter that allows what programs are known to need, gives `code` from now on. */
static int forbid(int code)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), /* the number of the call */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)code),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof filter / sizeof *filter, filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

int main(int count, char **words)
{
	char *before = hide(malloc(1000)), *block;

	if (count == 1) {
		struct variables in;

		copy_environment(&in);
		for (int ahead = 0; ahead < 2; ahead++) {
			set_variable(&in, "VMMALLOC_STORAGE", ahead ? "ahead" : NULL);
			check_self("1", &in);
			check_self("38", &in);
			check_self("size", &in);
		}
		return ended();
	}
	strcpy(before, "before");
	if (strcmp(words[1], "size") == 0)
		require(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 0, 0 }) == 0, "setrlimit");
	else if (!forbid(atoi(words[1])))
		skip("seccomp filters are not to be had");
	block = hide(malloc(30 * MIB));
	require(block != NULL, "malloc in the sandbox");
	memset(block, 1, 30 * MIB);
	CHECK(strcmp(before, "before") == 0);
	/* What is only promised takes no fallocate. */
	if (getenv("VMMALLOC_STORAGE") != NULL || strcmp(words[1], "size") == 0)
		CHECK(!in_pool(block + 20 * MIB));
	free(block);
	malloc_trim(0);
	block = hide(calloc(1, 25 * MIB));
	CHECK(block != NULL && block[24 * MIB] == 0);
	return ended();
}
