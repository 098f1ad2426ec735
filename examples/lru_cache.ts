// deno-lint-ignore-file no-console -- a program, not a library
/**
 * A cache of texts that holds as much as fits into its pool, and forgets what was not used for the longest time.
 *
 *     deno run --allow-ffi --allow-read --allow-env examples/lru_cache.ts
 *     bun examples/lru_cache.ts
 *
 * The table, the entries and their texts are in the pool: however many there are, the garbage collector has no more to
 * look at than this class.
 */
import { OutOfMemoryError, pointer, Pool, type Size, string, struct } from "@vmem/vmem";

const Entry = struct({
  hash: "u32",
  key: string(),
  value: string(),
  /** The next entry of the same bucket. */
  next: pointer(() => Entry),
  /** All entries in the order of their use. */
  newer: pointer(() => Entry),
  older: pointer(() => Entry),
});
type Entry = InstanceType<typeof Entry>;

/** A struct of one field serves as an array of pointers. */
const Bucket = struct({ first: pointer(() => Entry) });

/** Entries that are forgotten at once when the pool is full, since finding it full costs more than an entry. */
const MANY = 64;

export class LruCache implements Disposable {
  readonly #pool: Pool;
  readonly #buckets: ReturnType<typeof Bucket.array>;
  readonly #mask: number;
  #newest: Entry | null = null;
  #oldest: Entry | null = null;
  #size = 0;

  /** A cache in `bytes` of storage, with a table for about `entries`; more only get slower. */
  constructor(bytes: Size, entries: number) {
    const buckets = 2 ** Math.ceil(Math.log2(entries));
    this.#pool = Pool.create({ size: bytes });
    this.#mask = buckets - 1;
    this.#buckets = Bucket.array(this.#pool, this.#pool.calloc(buckets, Bucket.size), buckets);
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): string | undefined {
    const entry = this.#find(key, hashOf(key));
    if (entry === null) return undefined;
    this.#unlink(entry);
    this.#linkAsNewest(entry);
    return entry.value!;
  }

  /** OutOfMemoryError: even an empty cache has no room for it. */
  set(key: string, value: string): void {
    this.delete(key);
    const hash = hashOf(key);
    const entry = this.#makeRoomFor(() => this.#pool.make(Entry, { hash, key, value }));
    const bucket = this.#buckets.move(hash & this.#mask);
    entry.next = bucket.first;
    bucket.first = entry;
    this.#linkAsNewest(entry);
    this.#size++;
  }

  delete(key: string): boolean {
    const entry = this.#find(key, hashOf(key));
    if (entry === null) return false;
    this.#remove(entry);
    return true;
  }

  [Symbol.dispose](): void {
    this.#pool.close();
  }

  /** Does what allocates, and forgets old entries until there is room for it. */
  #makeRoomFor(allocate: () => Entry): Entry {
    for (;;) {
      try {
        return allocate();
      } catch (error) {
        if (!(error instanceof OutOfMemoryError) || this.#oldest === null) throw error;
        for (let i = 0; i < MANY && this.#oldest !== null; i++) this.#remove(this.#oldest);
      }
    }
  }

  #find(key: string, hash: number): Entry | null {
    let entry = this.#buckets.move(hash & this.#mask).first;
    while (entry !== null && !(entry.hash === hash && entry.key === key)) entry = entry.next;
    return entry;
  }

  #remove(entry: Entry): void {
    const bucket = this.#buckets.move(entry.hash & this.#mask);
    if (bucket.$first === entry.$pointer) bucket.first = entry.next;
    else {
      let before = bucket.first!;
      while (before.$next !== entry.$pointer) before = before.next!;
      before.next = entry.next;
    }
    this.#unlink(entry);
    this.#pool.free(entry); // with its texts
    this.#size--;
  }

  #linkAsNewest(entry: Entry): void {
    entry.newer = null;
    entry.older = this.#newest;
    if (this.#newest === null) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink(entry: Entry): void {
    const { newer, older } = entry;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
  }
}

/** FNV-1a over UTF-16, with a last mixing step, because the table uses the low bits. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function main(): void {
  using cache = new LruCache("16MiB", 100_000);
  let found = 0;
  for (let i = 0; i < 300_000; i++) {
    const key = `user ${Math.floor(150_000 * Math.random() ** 3)}`; // some are asked for much more often
    if (cache.get(key) !== undefined) found++;
    else cache.set(key, `what is known of ${key}`.repeat(3));
  }
  console.log(`16 MiB hold ${cache.size} entries; of 300000 requests ${found} were served by them`);
}

if (import.meta.main) main();
