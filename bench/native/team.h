/*
 * A second thread, and rings by which two threads hand each other batches of blocks. Threads wait by sleeping, and
 * their time counts only while they work on blocks, so that neither waiting nor waking is anybody's figure.
 */

#define BATCH 1024
#define RING 8

struct batch {
    long count;
    unsigned char *blocks[BATCH];
};

struct ring {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned long filled, emptied;
    struct batch batches[RING];
};

static struct ring rings[2] = {
    {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER},
    {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER},
};

/* ---- time -------------------------------------------------------------------------------------------------- */

/* What each thread counted, and what asking for the time costs and is not counted. */
static int64_t counted_time[2];
static int64_t time_of_asking;

static int64_t thread_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void count_time(int thread, int64_t start) { counted_time[thread] += thread_time() - start - time_of_asking; }

static void measure_asking(void) {
    time_of_asking = INT64_MAX;
    for (int i = 0; i < 1000; i++) {
        int64_t start = thread_time();
        int64_t passed = thread_time() - start;
        if (passed < time_of_asking) time_of_asking = passed;
    }
}

/* ---- rings ------------------------------------------------------------------------------------------------- */

static struct batch *next_to_fill(struct ring *ring) {
    pthread_mutex_lock(&ring->lock);
    while (ring->filled - ring->emptied == RING) pthread_cond_wait(&ring->changed, &ring->lock);
    pthread_mutex_unlock(&ring->lock);
    return &ring->batches[ring->filled % RING];
}

static struct batch *next_to_empty(struct ring *ring) {
    pthread_mutex_lock(&ring->lock);
    while (ring->filled == ring->emptied) pthread_cond_wait(&ring->changed, &ring->lock);
    pthread_mutex_unlock(&ring->lock);
    return &ring->batches[ring->emptied % RING];
}

static void advance(struct ring *ring, unsigned long *counter) {
    pthread_mutex_lock(&ring->lock);
    ++*counter;
    pthread_cond_signal(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
}

static void hand_over(struct ring *ring) { advance(ring, &ring->filled); }
static void hand_back(struct ring *ring) { advance(ring, &ring->emptied); }

/* ---- the second thread ------------------------------------------------------------------------------------- */

/* What one of the threads does of a work; the result is its part of the proof. */
typedef uint64_t part_function(int thread, long rounds, size_t size);

static struct {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int exists;
    unsigned long asked, begun, done;
    part_function *part; /* NULL: end */
    long rounds;
    size_t size;
    uint64_t proof;
} helper = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void *help(void *unused) {
    (void)unused;
    for (unsigned long question = 1;; question++) {
        pthread_mutex_lock(&helper.lock);
        while (helper.asked < question) pthread_cond_wait(&helper.changed, &helper.lock);
        pthread_mutex_unlock(&helper.lock);
        if (helper.part == NULL) return NULL;
        __atomic_store_n(&helper.begun, question, __ATOMIC_RELEASE);
        uint64_t proof = helper.part(1, helper.rounds, helper.size);
        pthread_mutex_lock(&helper.lock);
        helper.proof = proof;
        helper.done = question;
        pthread_cond_signal(&helper.changed);
        pthread_mutex_unlock(&helper.lock);
    }
}

static void ask_helper(part_function *part, long rounds, size_t size) {
    pthread_mutex_lock(&helper.lock);
    helper.part = part;
    helper.rounds = rounds;
    helper.size = size;
    helper.asked++;
    pthread_cond_signal(&helper.changed);
    pthread_mutex_unlock(&helper.lock);
}

/* The part on both threads at once; the first is the caller's. */
static uint64_t in_two_threads(part_function *part, long rounds, size_t size) {
    if (!helper.exists) {
        helper.asked = helper.begun = helper.done = 0;
        int error = pthread_create(&helper.thread, NULL, help, NULL);
        if (error != 0) fail("Starting a thread", strerror(error));
        helper.exists = 1;
    }
    ask_helper(part, rounds, size);
    while (__atomic_load_n(&helper.begun, __ATOMIC_ACQUIRE) != helper.asked) sched_yield();
    uint64_t proof = part(0, rounds, size);
    pthread_mutex_lock(&helper.lock);
    while (helper.done != helper.asked) pthread_cond_wait(&helper.changed, &helper.lock);
    pthread_mutex_unlock(&helper.lock);
    return proof + helper.proof;
}

/* What runs alone afterwards runs in a process without a second thread and what it cached. */
static void end_helper(void) {
    if (!helper.exists) return;
    ask_helper(NULL, 0, 0);
    pthread_join(helper.thread, NULL);
    helper.exists = 0;
}

/* ---- parts that count all of their time -------------------------------------------------------------------- */

static part_function *timed_part;

static uint64_t run_timed(int thread, long rounds, size_t size) {
    int64_t start = thread_time();
    uint64_t proof = timed_part(thread, rounds, size);
    count_time(thread, start);
    return proof;
}

/* The part on as many threads as the work has. */
static uint64_t in_all_threads(part_function *part, long rounds, size_t size) {
    timed_part = part;
    return current->threads == 2 ? in_two_threads(run_timed, rounds, size) : run_timed(0, rounds, size);
}
