/**
 * The index in a pool: nothing that grows with the text is on the JavaScript heap.
 *
 * Three arrays that only grow (buckets, records, letters) are made of blocks of 64 KiB. A block stays
 * where it is, so growing never copies, and one view of it serves thousands of records: making a view
 * for every record would cost more than all the rest.
 *
 * A record is 64 bytes: a word, and the last eight lines it was seen on. When these eight are full they
 * move to the word's list, a block of its own that `realloc` doubles. Half of all words are seen
 * once and never need one; the others need the pool once for eight insertions.
 *
 * The hash table is a *linear* one (Litwin, 1980): each new word splits one bucket in two, so the table
 * grows a little with every word, where a Map now and then moves all its entries at once.
 */
import type { Pointer, Pool } from "@vmem/vmem";
import type { Index, PrefixCount } from "./index.ts";
import { LONGEST_WORD, type Text, WORD } from "./text.ts";

/** Bytes of a block of the growing arrays. */
const BLOCK = 64 * 1024;

/** A record's fields, in words of 32 bits. */
const HASH = 0;
const NEXT = 1; // the next record of the same bucket, plus 1; 0 ends the chain
const LETTERS = 2; // where the word's bytes begin
const LENGTH = 3;
const LIST = 4; // pointer to the list: a double, because pools may be larger than 4 GiB
const COUNT = 6; // lines in all
const ROOM = 7; // lines the list has room for
const RECENT = 8; // the last lines, not yet in the list
const RECENT_LINES = 8;
const RECORD = 16;

/** Number `i` is in block `i >>> SHIFT`, at place `i & MASK` of it. */
const RECORD_SHIFT = Math.log2(BLOCK / (4 * RECORD));
const RECORD_MASK = 2 ** RECORD_SHIFT - 1;
const BUCKET_SHIFT = Math.log2(BLOCK / 4);
const BUCKET_MASK = 2 ** BUCKET_SHIFT - 1;
const LETTER_SHIFT = Math.log2(BLOCK);
const LETTER_MASK = BLOCK - 1;

const NO_LINES = new Uint32Array(0);

/** A block of the pool that the index uses, for the map of the pool. */
export interface UsedBlock {
  readonly kind: "buckets" | "records" | "letters" | "lists";
  readonly pointer: Pointer;
}

export class PoolIndex implements Index, Disposable {
  readonly #pool: Pool;
  readonly #blocks: UsedBlock[] = [];

  // Views of the blocks: these few hundred objects are all that the JavaScript heap gets.
  readonly #buckets: Uint32Array[] = [];
  readonly #records: Uint32Array[] = [];
  readonly #pointers: Float64Array[] = []; // the same blocks as #records, for the pointers in them
  readonly #letters: Uint8Array[] = [];

  readonly #asked = new Uint8Array(LONGEST_WORD); // the word of a query
  #size = 0; // records in use, buckets in use
  #half = 1; // the power of two at or below the number of buckets
  #lettersUsed = 0;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  get size(): number {
    return this.#size;
  }

  insert(text: Text, from: number, to: number): void {
    const { bytes, words } = text;
    for (let at = from * WORD; at < to * WORD; at += WORD) {
      const start = words[at]!;
      const end = words[at + 1]!;
      const hash = hashOf(bytes, start, end);
      let record = this.#find(hash, bytes, start, end);
      if (record < 0) record = this.#add(hash, bytes, start, end);
      this.#append(record, words[at + 2]!);
    }
  }

  lines(word: string): Uint32Array {
    const bytes = this.#asked;
    const length = copyLetters(word, bytes);
    const record = this.#find(hashOf(bytes, 0, length), bytes, 0, length);
    if (record < 0) return NO_LINES;
    const block = record >>> RECORD_SHIFT;
    const at = (record & RECORD_MASK) * RECORD;
    const fields = this.#records[block]!;
    const count = fields[at + COUNT]!;
    if (count <= RECENT_LINES) return fields.subarray(at + RECENT, at + RECENT + count);
    this.#moveRecent(block, at);
    return this.#pool.view(Uint32Array, this.#pointers[block]![(at + LIST) / 2] as Pointer, count);
  }

  startingWith(prefix: string): PrefixCount {
    const bytes = this.#asked;
    const length = copyLetters(prefix, bytes);
    let words = 0;
    let lines = 0;
    for (let record = 0; record < this.#size; record++) {
      const fields = this.#records[record >>> RECORD_SHIFT]!;
      const at = (record & RECORD_MASK) * RECORD;
      if (fields[at + LENGTH]! < length) continue;
      if (!this.#hasLetters(fields[at + LETTERS]!, bytes, 0, length)) continue;
      words++;
      lines += fields[at + COUNT]!;
    }
    return { words, lines };
  }

  /** Every block of the index, the lists included. */
  *blocks(): Iterable<UsedBlock> {
    yield* this.#blocks;
    for (let record = 0; record < this.#size; record++) {
      const at = (record & RECORD_MASK) * RECORD;
      const pointer = this.#pointers[record >>> RECORD_SHIFT]![(at + LIST) / 2]! as Pointer;
      if (pointer !== 0) yield { kind: "lists", pointer };
    }
  }

  /** Frees all of it. (Closing the pool would do, too; an index in a pool that lives on must.) */
  [Symbol.dispose](): void {
    for (const { pointer } of [...this.blocks()]) this.#pool.free(pointer);
  }

  /** The record of a word, or -1. */
  #find(hash: number, bytes: Uint8Array, start: number, end: number): number {
    if (this.#size === 0) return -1;
    const bucket = this.#bucketOf(hash);
    let record = this.#buckets[bucket >>> BUCKET_SHIFT]![bucket & BUCKET_MASK]! - 1;
    while (record >= 0) {
      const fields = this.#records[record >>> RECORD_SHIFT]!;
      const at = (record & RECORD_MASK) * RECORD;
      if (
        fields[at + HASH] === hash && fields[at + LENGTH] === end - start &&
        this.#hasLetters(fields[at + LETTERS]!, bytes, start, end)
      ) return record;
      record = fields[at + NEXT]! - 1;
    }
    return -1;
  }

  #hasLetters(letters: number, bytes: Uint8Array, start: number, end: number): boolean {
    const block = this.#letters[letters >>> LETTER_SHIFT]!;
    const shift = (letters & LETTER_MASK) - start;
    for (let at = start; at < end; at++) if (block[at + shift] !== bytes[at]) return false;
    return true;
  }

  /** A record for a new word, and a bucket more. */
  #add(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const record = this.#size;
    if (record >>> RECORD_SHIFT === this.#records.length) {
      const pointer = this.#newBlock("records");
      this.#records.push(this.#pool.view(Uint32Array, pointer, BLOCK / 4));
      this.#pointers.push(this.#pool.view(Float64Array, pointer, BLOCK / 8));
    }
    if (record >>> BUCKET_SHIFT === this.#buckets.length) {
      const pointer = this.#newBlock("buckets");
      this.#buckets.push(this.#pool.view(Uint32Array, pointer, BLOCK / 4));
    }
    this.#size++;
    this.#splitBucket();

    const fields = this.#records[record >>> RECORD_SHIFT]!;
    const at = (record & RECORD_MASK) * RECORD;
    const bucket = this.#bucketOf(hash);
    const buckets = this.#buckets[bucket >>> BUCKET_SHIFT]!;
    fields[at + HASH] = hash;
    fields[at + NEXT] = buckets[bucket & BUCKET_MASK]!;
    fields[at + LETTERS] = this.#addLetters(bytes, start, end);
    fields[at + LENGTH] = end - start;
    buckets[bucket & BUCKET_MASK] = record + 1;
    return record;
  }

  /** Bytes of a word, never across the end of a block. */
  #addLetters(bytes: Uint8Array, start: number, end: number): number {
    const left = this.#letters.length * BLOCK - this.#lettersUsed;
    if (left < end - start) {
      this.#lettersUsed += left;
      this.#letters.push(this.#pool.view(Uint8Array, this.#newBlock("letters"), BLOCK));
    }
    const letters = this.#lettersUsed;
    const block = this.#letters[letters >>> LETTER_SHIFT]!;
    const shift = (letters & LETTER_MASK) - start;
    for (let at = start; at < end; at++) block[at + shift] = bytes[at]!;
    this.#lettersUsed += end - start;
    return letters;
  }

  #newBlock(kind: UsedBlock["kind"]): Pointer {
    const pointer = this.#pool.calloc(1, BLOCK);
    this.#blocks.push({ kind, pointer });
    return pointer;
  }

  /** There are as many buckets as words: the hash's low bits say which, one bit less where that bucket is yet to come. */
  #bucketOf(hash: number): number {
    const bucket = hash & (this.#half * 2 - 1);
    return bucket < this.#size ? bucket : bucket & (this.#half - 1);
  }

  /** Called when #size has just grown: the new last bucket gets its share of the one it comes from. */
  #splitBucket(): void {
    const created = this.#size - 1;
    if (created === 0) return;
    if (created === this.#half * 2) this.#half *= 2;
    const split = created & (this.#half - 1);
    let record = this.#buckets[split >>> BUCKET_SHIFT]![split & BUCKET_MASK]!;
    let stays = 0;
    let moves = 0;
    while (record !== 0) {
      const fields = this.#records[(record - 1) >>> RECORD_SHIFT]!;
      const at = ((record - 1) & RECORD_MASK) * RECORD;
      const next = fields[at + NEXT]!;
      if ((fields[at + HASH]! & this.#half) === 0) {
        fields[at + NEXT] = stays;
        stays = record;
      } else {
        fields[at + NEXT] = moves;
        moves = record;
      }
      record = next;
    }
    this.#buckets[split >>> BUCKET_SHIFT]![split & BUCKET_MASK] = stays;
    this.#buckets[created >>> BUCKET_SHIFT]![created & BUCKET_MASK] = moves;
  }

  #append(record: number, line: number): void {
    const block = record >>> RECORD_SHIFT;
    const fields = this.#records[block]!;
    const at = (record & RECORD_MASK) * RECORD;
    const count = fields[at + COUNT]!;
    const last = at + RECENT + ((count - 1) & (RECENT_LINES - 1));
    if (count !== 0 && fields[last] === line) return; // twice on one line
    // Only now: the words seen up to eight times never get a list.
    if (count !== 0 && count % RECENT_LINES === 0) this.#moveRecent(block, at);
    fields[at + RECENT + count % RECENT_LINES] = line;
    fields[at + COUNT] = count + 1;
  }

  /** Copies the recent lines to the list, which grows when it has no room for them. */
  #moveRecent(block: number, at: number): void {
    const fields = this.#records[block]!;
    const pointers = this.#pointers[block]!;
    const count = fields[at + COUNT]!;
    let list = pointers[(at + LIST) / 2]! as Pointer;
    let room = fields[at + ROOM]!;
    if (count > room) {
      room = room === 0 ? 2 * RECENT_LINES : 2 * room;
      list = list === 0 ? this.#pool.malloc(4 * room) : this.#pool.realloc(list, 4 * room);
      pointers[(at + LIST) / 2] = list;
      fields[at + ROOM] = room;
    }
    const first = count - 1 - (count - 1) % RECENT_LINES;
    const lines = this.#pool.view(Uint32Array, list, room);
    for (let i = first; i < count; i++) lines[i] = fields[at + RECENT + i - first]!;
  }
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
