/**
 * The index in a pool: words are structs, and nothing that grows with the text is on the JavaScript heap.
 *
 * A word has room for the last eight lines it was seen on. When these are full they move to its list, a block of its own
 * that `realloc` doubles. Half of all words are seen once and never need one; the others need the pool once for eight
 * insertions.
 *
 * The hash table is a *linear* one (Litwin, 1980): each new word splits one bucket in two, so the table grows a little
 * with every word, where a Map now and then moves all its entries at once. Its buckets are in blocks of 64 KiB, which
 * stay where they are.
 *
 * Everything here is done by field functions, which cost less than views; docs/guide.md says when to take which.
 */
import { array, fields, type Pointer, pointer, type Pool, struct } from "@vmem/vmem";
import type { Index, PrefixCount } from "./index.ts";
import { LONGEST_WORD, type Text, WORD } from "./text.ts";

/** Lines that a word itself has room for. */
const RECENT = 8;

const Word = struct({
  hash: "u32",
  /** Lines it is on. */
  count: "u32",
  /** The next word of the same bucket. */
  next: pointer(() => Word),
  /** The word that was added after it: in this order they lie in memory, more or less. */
  after: pointer(() => Word),
  /** The last lines, which are not in the list yet. */
  recent: array("u32", RECENT),
  /** The lines before those, and for how many there is room. */
  list: pointer(),
  room: "u32",
  // Behind these fields the block has the text, as a C string. Its bytes are compared where they are: a JavaScript
  // string would be garbage at once.
});
const Line = struct({ number: "u32" });
const Byte = struct({ value: "u8" });
const Bucket = struct({ first: pointer(() => Word) });

/** Bucket number `i` is in block `i >>> SHIFT`, at place `i & MASK` of it. */
const SHIFT = 13;
const MASK = 2 ** SHIFT - 1;

const NO_LINES = new Uint32Array(0);

/** A block of the pool that the index uses, for the map of the pool. */
export interface UsedBlock {
  readonly kind: "buckets" | "words" | "lists";
  readonly pointer: Pointer;
}

export interface PoolIndex extends Index, Disposable {
  /** Every block of the index. */
  blocks(): Iterable<UsedBlock>;
}

/** An empty index in a pool. Disposing of it frees its blocks, for a pool that lives on. */
export function createPoolIndex(pool: Pool): PoolIndex {
  const word = fields(Word, pool);
  const { first, setFirst } = fields(Bucket, pool);
  const { setNumber } = fields(Line, pool);
  const { value: byte } = fields(Byte, pool);
  /** The word of a query. */
  const asked = new Uint8Array(LONGEST_WORD);
  /** Blocks of buckets: these few numbers are all that the JavaScript heap gets. */
  const buckets: Pointer[] = [];
  /** Words, and buckets in use. */
  let size = 0;
  let oldest: Pointer | 0 = 0;
  let newest: Pointer | 0 = 0;
  /** The power of two at or below the number of buckets. */
  let half = 1;

  function bucketAt(index: number): number {
    return buckets[index >>> SHIFT]! + (index & MASK) * Bucket.size;
  }

  /** There are as many buckets as words: the hash's low bits say which, one bit less where that bucket is yet to come. */
  function bucketOf(hash: number): number {
    const index = hash & (half * 2 - 1);
    return bucketAt(index < size ? index : index & (half - 1));
  }

  /** Whether a C string begins with some bytes. */
  function begins(text: number, bytes: Uint8Array, start: number, end: number): boolean {
    for (let i = start; i < end; i++) if (byte(text + i - start) !== bytes[i]) return false;
    return true;
  }

  /** The word with these bytes, or 0. */
  function find(hash: number, bytes: Uint8Array, start: number, end: number): Pointer | 0 {
    if (size === 0) return 0;
    for (let found = first(bucketOf(hash)); found !== 0; found = word.next(found)) {
      if (word.hash(found) !== hash) continue;
      const text = found + Word.size;
      if (begins(text, bytes, start, end) && byte(text + end - start) === 0) return found;
    }
    return 0;
  }

  /** A new word, and a bucket more. */
  function add(hash: number, bytes: Uint8Array, start: number, end: number): Pointer {
    if (size >>> SHIFT === buckets.length) buckets.push(pool.calloc(MASK + 1, Bucket.size));
    size++;
    splitBucket();
    const bucket = bucketOf(hash);
    const added = pool.calloc(1, Word.size + end - start + 1);
    pool.write(added + Word.size as Pointer, bytes.subarray(start, end));
    word.setHash(added, hash);
    word.setNext(added, first(bucket));
    setFirst(bucket, added);
    if (newest === 0) oldest = added;
    else word.setAfter(newest, added);
    newest = added;
    return added;
  }

  /** Called when `size` has just grown: the new last bucket gets its share of the one it comes from. */
  function splitBucket(): void {
    const created = size - 1;
    if (created === 0) return;
    if (created === half * 2) half *= 2;
    const split = bucketAt(created & (half - 1));
    let stays: Pointer | 0 = 0;
    let moves: Pointer | 0 = 0;
    for (let at = first(split); at !== 0;) {
      const next = word.next(at);
      if ((word.hash(at) & half) === 0) {
        word.setNext(at, stays);
        stays = at;
      } else {
        word.setNext(at, moves);
        moves = at;
      }
      at = next;
    }
    setFirst(split, stays);
    setFirst(bucketAt(created), moves);
  }

  function addLine(to: Pointer, line: number): void {
    const count = word.count(to);
    if (count !== 0) {
      if (word.recent(to, (count - 1) % RECENT) === line) return; // twice on one line
      if (count % RECENT === 0) moveRecent(to); // only now: words seen up to eight times get no list
    }
    word.setRecent(to, count % RECENT, line);
    word.setCount(to, count + 1);
  }

  /** Copies the recent lines to the list, which grows when it has no room for them. */
  function moveRecent(of: Pointer): void {
    const count = word.count(of);
    if (count > word.room(of)) {
      const room = Math.max(2 * RECENT, 2 * word.room(of));
      word.setList(of, pool.realloc(word.list(of), room * Line.size));
      word.setRoom(of, room);
    }
    const list = word.list(of);
    for (let i = count - 1 - (count - 1) % RECENT; i < count; i++) {
      setNumber(list + i * Line.size, word.recent(of, i % RECENT));
    }
  }

  function* blocks(): Generator<UsedBlock> {
    for (const pointer of buckets) yield { kind: "buckets", pointer };
    for (let pointer = oldest; pointer !== 0; pointer = word.after(pointer)) {
      yield { kind: "words", pointer };
      const list = word.list(pointer);
      if (list !== 0) yield { kind: "lists", pointer: list };
    }
  }

  return {
    get size() {
      return size;
    },

    insert({ bytes, words }: Text, from: number, to: number): void {
      for (let at = from * WORD; at < to * WORD; at += WORD) {
        const start = words[at]!;
        const end = words[at + 1]!;
        const hash = hashOf(bytes, start, end);
        let found = find(hash, bytes, start, end);
        if (found === 0) found = add(hash, bytes, start, end);
        addLine(found, words[at + 2]!);
      }
    },

    lines(text: string): Uint32Array {
      const length = copyLetters(text, asked);
      const found = find(hashOf(asked, 0, length), asked, 0, length);
      if (found === 0) return NO_LINES;
      const count = word.count(found);
      if (count <= RECENT) {
        return pool.view(Uint32Array, found + Word.offsets.recent as Pointer, count);
      }
      moveRecent(found);
      return pool.view(Uint32Array, word.list(found), count);
    },

    startingWith(prefix: string): PrefixCount {
      const length = copyLetters(prefix, asked);
      let words = 0;
      let lines = 0;
      for (let at = oldest; at !== 0; at = word.after(at)) {
        if (!begins(at + Word.size, asked, 0, length)) continue;
        words++;
        lines += word.count(at);
      }
      return { words, lines };
    },

    blocks,

    [Symbol.dispose](): void {
      for (const { pointer } of [...blocks()]) pool.free(pointer);
    },
  };
}

/** FNV-1a with a last mixing step, because the table uses the low bits. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Copies a word letter by letter, as the text has it, and returns its length; a longer one is never found. */
function copyLetters(word: string, bytes: Uint8Array): number {
  for (let at = 0; at < word.length; at++) bytes[at] = word.charCodeAt(at);
  return word.length;
}
