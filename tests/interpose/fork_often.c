/*
 * All the ways to a new process: fork() hundreds of times, forks of forks, from threads that end, with exec; vfork,
 * posix_spawn, system and popen, which run no handlers; and what a new program inherits.
 */
#include "forks.h"

static char *block;

static int briefly(void *argument)
{
	char *mine = hide(malloc(3000));

	CHECK(mine != NULL && strcmp(block, "parent") == 0);
	snprintf(mine, 3000, "child %p", argument);
	snprintf(block, 100, "child");
	free(mine);
	free(block);
	return 0;
}

static int deeper(void *argument)
{
	intptr_t depth = (intptr_t)argument;
	char expected[100];
	char *mine;

	snprintf(expected, sizeof expected, "depth %ld", (long)depth);
	CHECK(strcmp(block, expected) == 0);
	mine = hide(strdup("mine"));
	CHECK(mine != NULL);
	if (depth < 40) {
		snprintf(block, 100, "depth %ld", (long)depth + 1);
		CHECK(status_of_child(deeper, (void *)(depth + 1)) == 0);
	}
	CHECK(strcmp(mine, "mine") == 0);
	free(mine);
	return 0;
}

static void *in_a_thread(void *argument)
{
	char *mine = hide(malloc(100));

	if (mine == NULL || status_of_child(briefly, argument) != 0)
		__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
	free(mine);
	return NULL;
}

/* Descriptors of files without a name where the pool is. */
static int pools_open(void)
{
	const char *directory = getenv("VMMALLOC_POOL_DIR");
	int count = 0;

	for (int fd = 0; fd < 2000; fd++) {
		char path[40], name[300] = "";

		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		if (readlink(path, name, sizeof name - 1) > 0 && strncmp(name, directory, strlen(directory)) == 0)
			count += strstr(name, "(deleted)") != NULL;
	}
	return count;
}

static void programs(void)
{
	static char *const words[] = { (char *)"true", NULL };
	char line[100] = "";
	char *long_word = hide(malloc(100000));
	FILE *output;
	pid_t child;
	int status;

	require(long_word != NULL, "malloc");
	memset(long_word, 'x', 99999);
	long_word[99999] = '\0';
	for (int i = 0; i < 5; i++) {
		child = vfork();
		if (child == 0) {
			execv("/bin/true", words);
			_exit(9);
		}
		require(child > 0, "vfork");
		CHECK(end_child(child) == 0);
		CHECK(posix_spawn(&child, "/bin/true", NULL, NULL, words, environ) == 0);
		CHECK(end_child(child) == 0);
		CHECK(system("exit 7") == 7 << 8);
		output = popen("echo words", "r");
		CHECK(output != NULL && fgets(line, sizeof line, output) != NULL && strcmp(line, "words\n") == 0);
		CHECK(output != NULL && pclose(output) == 0);
		child = fork();
		if (child == 0) {
			free(long_word);
			execv("/bin/true", words);
			_exit(9);
		}
		CHECK(end_child(child) == 0);
	}
	/* A shell that forks by itself. */
	output = popen("(echo a; (echo b)); x=$(echo c); echo $x", "r");
	for (const char *const *expected = (const char *const[]){ "a\n", "b\n", "c\n", NULL }; *expected != NULL; expected++)
		CHECK(output != NULL && fgets(line, sizeof line, output) != NULL && strcmp(line, *expected) == 0);
	CHECK(output != NULL && pclose(output) == 0);
	/* A new program has the descriptor of its own pool, and not that of ours. */
	CHECK(pools_open() == 1 || getenv("VMMALLOC_FORK")[0] == '1');
	child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "self", "count", NULL);
		_exit(9);
	}
	CHECK(end_child(child) == 1 << 8);
	status = all_are(long_word, 'x', 99999);
	CHECK(status);
	free(long_word);
}

static void go(void)
{
	alarm(120);
	block = hide(malloc(100));
	require(block != NULL, "malloc");
	for (int i = 0; i < 200; i++) {
		strcpy(block, "parent");
		CHECK(status_of_child(briefly, (void *)(intptr_t)i) == 0);
		CHECK(strcmp(block, "parent") == 0);
	}
	strcpy(block, "depth 1");
	CHECK(status_of_child(deeper, (void *)1) == 0);
	CHECK(strcmp(block, "depth 1") == 0);
	strcpy(block, "parent");
	for (int i = 0; i < 20; i++) {
		pthread_t threads[3];

		for (int t = 0; t < 3; t++)
			require(pthread_create(&threads[t], NULL, in_a_thread, NULL) == 0, "pthread_create");
		for (int t = 0; t < 3; t++)
			pthread_join(threads[t], NULL);
	}
	CHECK(failures == 0 && strcmp(block, "parent") == 0);
	programs();
	free(block);
}

int main(int arguments, char *words[])
{
	if (arguments == 1)
		in_modes("123");
	else if (strcmp(words[1], "count") == 0)
		return pools_open();
	else
		go();
	return ended();
}
