/* The time that a program has had a processor: what others take in between is not in it. */
#include <time.h>

static double now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

double bench_process_time(void) { return now(CLOCK_PROCESS_CPUTIME_ID); }

double bench_thread_time(void) { return now(CLOCK_THREAD_CPUTIME_ID); }
