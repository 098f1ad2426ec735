/* Where membarrier(2) is not to be had, idle threads keep what they have cached: all together a 32nd of the pool at most. */
#include "test.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define THREADS 64

static VMEM *pool;
static pthread_barrier_t barrier;

/* From now on, for all threads; false where that is not allowed. */
static int forbid_membarrier(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static size_t capacity(size_t size)
{
	void **first = NULL, **next;
	size_t count = 0;

	for (; (next = vmem_malloc(pool, size)) != NULL; count++) {
		*next = first;
		first = next;
	}
	for (; first != NULL; first = next) {
		next = *first;
		vmem_free(pool, first);
	}
	return count;
}

static void *fill_cache(void *unused)
{
	void *blocks[200];
	size_t i, size, round;

	(void)unused;
	for (round = 0; round < 4; round++)
		for (size = 16; size < 300000; size = size * 3 / 2) {
			for (i = 0; i < 200 && i < 200000 / size; i++)
				blocks[i] = vmem_malloc(pool, size);
			while (i > 0)
				vmem_free(pool, blocks[--i]);
		}
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

/* What one thread gets of a pool beside idle ones, in blocks of 64 bytes; the rest of it in `kept` bytes. */
static int beside_idle(size_t size, size_t kept_max, int early)
{
	pthread_t threads[THREADS];
	size_t all, got, i;

	if (early && !forbid_membarrier())
		return 77;
	pool = create(size);
	all = capacity(64);
	if (!early && !forbid_membarrier())
		return 77;
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (i = 0; i < THREADS; i++)
		require(pthread_create(&threads[i], NULL, fill_cache, NULL) == 0, "pthread_create");
	pthread_barrier_wait(&barrier);
	got = capacity(64);
	if ((all - got) * 64 > kept_max)
		printf("%zu bytes of %zu MiB stay with idle threads\n", (all - got) * 64, size / MIB);
	CHECK((all - got) * 64 <= kept_max);
	CHECK(vmem_check(pool) == 1);
	pthread_barrier_wait(&barrier);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(capacity(64) == all);
	CHECK(vmem_check(pool) == 1);
	return failures;
}

static int from_the_start(void *size)
{
	return beside_idle((uintptr_t)size, (uintptr_t)size / 32, 1);
}

/* The first request that finds the pool full learns of it; what was cached until then may be a little more. */
static int taken_away(void *size)
{
	return beside_idle((uintptr_t)size, (uintptr_t)size / 8, 0);
}

int main(void)
{
	int status = status_of_child(from_the_start, (void *)VMEM_MIN_POOL);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip("this system lets nobody filter system calls");
	CHECK(status == 0);
	CHECK(status_of_child(from_the_start, (void *)(64 * MIB)) == 0);
	CHECK(status_of_child(taken_away, (void *)VMEM_MIN_POOL) == 0);
	return ended();
}
