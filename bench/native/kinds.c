/*
 * Kinds of a libmemkind, for bench/kinds.ts: kinds LIBRARY DIRECTORY WORK ROUNDS prints nanoseconds of CPU time a round and a
 * proof, a number that every library must get. LIBRARY is opened, so that one program measures ours and the original's; a
 * library without kinds is measured by its malloc, at "pair" only.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int (*create)(const char *, size_t, void **);
static int (*create_with)(void *, void **);
static int (*destroy)(void *);
static void *(*allocate)(void *, size_t);
static void (*release)(void *, void *);
static void *(*plain_malloc)(size_t);
static void (*plain_free)(void *);
static void *library, *kind;
static const char *directory;

static void *symbol(const char *name)
{
	void *found = dlsym(library, name);
	if (found == NULL) {
		fprintf(stderr, "%s is missing\n", name);
		exit(1);
	}
	return found;
}

static double now(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void need(int condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "%s failed\n", what);
	exit(1);
}

static void *kind_of(size_t limit)
{
	void *made = NULL;
	need(create(directory, limit, &made) == 0, "memkind_create_pmem");
	return made;
}

static void *frugal_kind(void)
{
	void *(*new)(void) = symbol("memkind_config_new");
	void (*path)(void *, const char *) = symbol("memkind_config_set_path");
	void (*size)(void *, size_t) = symbol("memkind_config_set_size");
	void (*policy)(void *, int) = symbol("memkind_config_set_memory_usage_policy");
	void *config = new(), *made = NULL;
	path(config, directory);
	size(config, (size_t)128 << 20);
	policy(config, 1);
	need(create_with(config, &made) == 0, "memkind_create_pmem_with_config");
	return made;
}

static uint64_t pairs(long rounds, size_t size)
{
	uint64_t sum = 0;
	long i;
	for (i = 0; i < rounds; i++) {
		volatile char *block = allocate(kind, size);
		*block = 1;
		sum += (uint64_t)*block;
		release(kind, (void *)block);
	}
	return sum;
}

static uint64_t plain_pairs(long rounds, size_t size)
{
	uint64_t sum = 0;
	long i;
	for (i = 0; i < rounds; i++) {
		volatile char *block = plain_malloc(size);
		*block = 1;
		sum += (uint64_t)*block;
		plain_free((void *)block);
	}
	return sum;
}

static unsigned next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*state >> 33);
}

#define LIVE 100000

struct part {
	long rounds;
	uint64_t random, sum;
	int threads;
	double ns;
};

/* 16 bytes to 2 KiB, a hundredth of them up to 64 KiB; a random one of the live ones is replaced. */
static void *churn(void *argument)
{
	struct part *part = argument;
	size_t live = LIVE / (size_t)part->threads, i;
	char **blocks = calloc(live, sizeof(*blocks));
	double began = 0;
	long round;

	for (round = -(long)live; round < part->rounds; round++) {
		unsigned random = next_random(&part->random);
		size_t size = 16 + (random % 100 == 0 ? random / 100 % 65536 : random / 100 % 2032);
		if (round == 0)
			began = now(CLOCK_THREAD_CPUTIME_ID);
		i = round < 0 ? (size_t)-(round + 1) : next_random(&part->random) % live;
		if (blocks[i] != NULL)
			release(kind, blocks[i]);
		blocks[i] = allocate(kind, size);
		need(blocks[i] != NULL, "memkind_malloc");
		blocks[i][0] = (char)size;
		part->sum += size;
	}
	part->ns = now(CLOCK_THREAD_CPUTIME_ID) - began;
	for (i = 0; i < live; i++)
		release(kind, blocks[i]);
	free(blocks);
	return NULL;
}

static double run_churn(long rounds, int threads, uint64_t *proof)
{
	struct part parts[2] = {{rounds / threads, 1, 0, threads, 0}, {rounds / threads, 2, 0, threads, 0}};
	pthread_t ids[2];
	double ns = 0;
	int i;
	for (i = 0; i < threads; i++)
		pthread_create(&ids[i], NULL, churn, &parts[i]);
	for (i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		ns += parts[i].ns;
		*proof += parts[i].sum;
	}
	return ns;
}

#define BATCH 1024

struct passed {
	long batches;
	void **volatile slots[2];
	double ns[2];
	uint64_t sum;
};

static void *produce(void *argument)
{
	struct passed *passed = argument;
	uint64_t random = 1;
	long batch, i;
	for (batch = 0; batch < passed->batches; batch++) {
		void **blocks = malloc(BATCH * sizeof(*blocks));
		double began = now(CLOCK_THREAD_CPUTIME_ID);
		for (i = 0; i < BATCH; i++) {
			blocks[i] = allocate(kind, 16 + next_random(&random) % 1000);
			need(blocks[i] != NULL, "memkind_malloc");
			*(char *)blocks[i] = 1;
		}
		passed->ns[0] += now(CLOCK_THREAD_CPUTIME_ID) - began;
		while (__atomic_load_n(&passed->slots[batch % 2], __ATOMIC_ACQUIRE) != NULL)
			sched_yield();
		__atomic_store_n(&passed->slots[batch % 2], blocks, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void *consume(void *argument)
{
	struct passed *passed = argument;
	long batch, i;
	for (batch = 0; batch < passed->batches; batch++) {
		void **blocks;
		double began;
		while ((blocks = __atomic_load_n(&passed->slots[batch % 2], __ATOMIC_ACQUIRE)) == NULL)
			sched_yield();
		began = now(CLOCK_THREAD_CPUTIME_ID);
		for (i = 0; i < BATCH; i++) {
			passed->sum += (uint64_t)*(char *)blocks[i];
			release(kind, blocks[i]);
		}
		passed->ns[1] += now(CLOCK_THREAD_CPUTIME_ID) - began;
		free(blocks);
		__atomic_store_n(&passed->slots[batch % 2], NULL, __ATOMIC_RELEASE);
	}
	return NULL;
}

static double run_crossing(long rounds, uint64_t *proof)
{
	struct passed passed = {.batches = rounds / BATCH + 1};
	pthread_t ids[2];
	pthread_create(&ids[0], NULL, produce, &passed);
	pthread_create(&ids[1], NULL, consume, &passed);
	pthread_join(ids[0], NULL);
	pthread_join(ids[1], NULL);
	*proof = passed.sum;
	return passed.ns[0] + passed.ns[1];
}

/* A full kind says no. */
static uint64_t refusals(long rounds)
{
	uint64_t sum = 0;
	long i;
	while (allocate(kind, (size_t)64 << 10) != NULL)
		;
	for (i = 0; i < rounds; i++)
		sum += allocate(kind, ((size_t)1 << 20) + (size_t)(i % 100000)) == NULL;
	return sum;
}

static uint64_t kinds_made(long rounds)
{
	static void *made[400];
	long i, round;
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < 400; i++)
			made[i] = kind_of((size_t)16 << 20);
		for (i = 0; i < 400; i++)
			need(destroy(made[i]) == 0, "memkind_destroy_kind");
	}
	return (uint64_t)rounds * 400;
}

int main(int argc, char **argv)
{
	const char *work = argc == 5 ? argv[3] : "";
	long rounds = argc == 5 ? atol(argv[4]) : 0;
	double began, ns = -1;
	uint64_t proof = 0;

	need(argc == 5 && rounds > 0, "reading the arguments");
	library = dlopen(argv[1], RTLD_NOW);
	need(library != NULL, argv[1]);
	directory = argv[2];
	if (dlsym(library, "memkind_create_pmem") == NULL) {
		plain_malloc = symbol("malloc");
		plain_free = symbol("free");
		plain_pairs(1000, 64);
		began = now(CLOCK_THREAD_CPUTIME_ID);
		proof = plain_pairs(rounds, 64);
		printf("%.2f %llu\n", (now(CLOCK_THREAD_CPUTIME_ID) - began) / (double)rounds, (unsigned long long)proof);
		return 0;
	}
	create = symbol("memkind_create_pmem");
	create_with = symbol("memkind_create_pmem_with_config");
	destroy = symbol("memkind_destroy_kind");
	allocate = symbol("memkind_malloc");
	release = symbol("memkind_free");
	if (strcmp(work, "frugal") == 0)
		kind = frugal_kind();
	else if (strcmp(work, "kinds") != 0)
		kind = kind_of((size_t)(strcmp(work, "refusals") == 0 ? 64 : 1024) << 20);
	if (strcmp(work, "pair") == 0 || strcmp(work, "frugal") == 0)
		pairs(1000, 64);
	began = now(CLOCK_THREAD_CPUTIME_ID);
	if (strcmp(work, "pair") == 0)
		proof = pairs(rounds, 64);
	else if (strcmp(work, "frugal") == 0)
		proof = pairs(rounds, 1024);
	else if (strcmp(work, "churn") == 0)
		ns = run_churn(rounds, 1, &proof);
	else if (strcmp(work, "churn of two") == 0)
		ns = run_churn(rounds, 2, &proof);
	else if (strcmp(work, "crossing") == 0)
		ns = run_crossing(rounds, &proof);
	else if (strcmp(work, "refusals") == 0)
		proof = refusals(rounds);
	else if (strcmp(work, "kinds") == 0)
		proof = kinds_made(rounds);
	else
		need(0, work);
	if (ns < 0)
		ns = now(CLOCK_THREAD_CPUTIME_ID) - began;
	printf("%.2f %llu\n", ns / (double)rounds, (unsigned long long)proof);
	return 0;
}
