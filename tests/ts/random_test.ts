/** A hundred thousand operations in random order against a model that knows what every block must hold. */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  OutOfMemoryError,
  type Pointer,
  Pool,
  type PoolOptions,
  type TypedArray,
} from "../../mod.ts";
import { assertAllocated, Random, runtime, turn } from "./support.ts";

interface Block {
  readonly at: Pointer;
  readonly size: number;
  readonly seed: number;
}

interface Array {
  readonly array: TypedArray;
  readonly seed: number;
}

const operations = 100_000;

/** A few bytes at both ends and in the middle say whose block it is. */
function places(size: number): number[] {
  return [0, 1, size >>> 1, size - 2, size - 1].filter((place) => place >= 0 && place < size);
}

function mark(bytes: Uint8Array, seed: number): void {
  for (const place of places(bytes.length)) bytes[place] = seed + place;
}

function verify(bytes: Uint8Array, seed: number, length: number, what: string): void {
  for (const place of places(length)) {
    if (place >= bytes.length) continue;
    assertEquals(bytes[place], (seed + place) & 0xff, `${what}: byte ${place} of ${bytes.length}`);
  }
}

/** Mostly small, now and then large. */
function sizeOf(random: Random): number {
  const limit = [32, 256, 256, 2048, 20_000, 300_000, 3_000_000][random.below(7)] ?? 32;
  return 1 + random.below(random.below(4) === 0 ? limit : Math.min(limit, 512));
}

class Model {
  readonly #pool: Pool;
  readonly #random: Random;
  readonly #blocks: Block[] = [];
  readonly #arrays: Array[] = [];

  constructor(pool: Pool, seed: number) {
    this.#pool = pool;
    this.#random = new Random(seed);
  }

  step(): void {
    const seed = this.#random.below(256);
    switch (this.#random.below(12)) {
      case 0:
      case 1:
      case 2:
        return this.#add(this.#pool.malloc(sizeOf(this.#random)), seed);
      case 3:
        return this.#zeroed(seed);
      case 4:
      case 5:
      case 6:
        return this.#free();
      case 7:
        return this.#reallocate(seed);
      case 8:
        return this.#alloc(seed);
      case 9:
        return this.#freeArray();
      case 10:
        return this.#resize();
      default:
        return this.#many(seed);
    }
  }

  async end(): Promise<void> {
    while (this.#blocks.length > 0) this.#free();
    while (this.#arrays.length > 0) this.#freeArray();
    await assertAllocated(this.#pool, 0);
    assert(this.#pool.check());
  }

  #bytes({ at, size }: Block): Uint8Array {
    return this.#pool.view(Uint8Array, at, size);
  }

  #add(at: Pointer, seed: number): void {
    const block = { at, size: this.#pool.usableSize(at), seed };
    mark(this.#bytes(block), seed);
    this.#blocks.push(block);
  }

  #zeroed(seed: number): void {
    const size = sizeOf(this.#random);
    const at = this.#pool.calloc(1, size);
    const bytes = this.#pool.view(Uint8Array, at, size);
    for (const place of places(size)) assertEquals(bytes[place], 0, `calloc of ${size}`);
    this.#add(at, seed);
  }

  /** Takes one out; the order of the others does not matter. */
  #take<T>(list: T[]): T | undefined {
    const index = this.#random.below(Math.max(1, list.length));
    const found = list[index];
    const last = list.pop();
    if (index < list.length && last !== undefined) list[index] = last;
    return found;
  }

  #free(): void {
    const block = this.#take(this.#blocks);
    if (block === undefined) return;
    verify(this.#bytes(block), block.seed, block.size, "before free");
    this.#pool.free(block.at);
  }

  #reallocate(seed: number): void {
    const block = this.#take(this.#blocks);
    if (block === undefined) return;
    try {
      const size = sizeOf(this.#random);
      const at = this.#pool.realloc(block.at, size);
      const moved = { ...block, at, size: this.#pool.usableSize(at) };
      const kept = this.#pool.view(Uint8Array, at, size);
      verify(kept, block.seed, block.size, "after realloc");
      mark(this.#bytes(moved), seed);
      this.#blocks.push({ ...moved, seed });
    } catch (error) {
      verify(this.#bytes(block), block.seed, block.size, "after a refused realloc");
      this.#blocks.push(block);
      throw error;
    }
  }

  #alloc(seed: number): void {
    const array = this.#pool.alloc(Uint8Array, sizeOf(this.#random));
    for (const place of places(array.length)) assertEquals(array[place], 0, "alloc");
    mark(array, seed);
    this.#arrays.push({ array, seed });
  }

  #freeArray(): void {
    const found = this.#take(this.#arrays);
    if (found === undefined) return;
    verify(found.array as Uint8Array, found.seed, found.array.length, "before free of an array");
    this.#pool.free(found.array);
  }

  #resize(): void {
    const found = this.#take(this.#arrays);
    if (found === undefined) return;
    const old = found.array.length;
    try {
      const array = this.#pool.resize(found.array as Uint8Array<ArrayBuffer>, sizeOf(this.#random));
      verify(array, found.seed, old, "after resize");
      if (array.length > old) assertEquals(array[array.length - 1], 0, "new elements");
      mark(array, found.seed);
      this.#arrays.push({ array, seed: found.seed });
    } catch (error) {
      this.#arrays.push(found);
      throw error;
    }
  }

  #many(seed: number): void {
    const count = 1 + this.#random.below(20);
    if (this.#random.below(2) === 0) {
      const size = 1 + this.#random.below(600);
      for (const at of this.#pool.mallocMany(size, count)) this.#add(at as Pointer, seed);
      return;
    }
    const out: Pointer[] = [];
    for (let index = 0; index < count; index += 1) {
      const block = this.#take(this.#blocks);
      if (block === undefined) break;
      verify(this.#bytes(block), block.seed, block.size, "before freeMany");
      out.push(block.at);
    }
    this.#pool.freeMany(out);
  }
}

const kinds: readonly [string, PoolOptions][] = [
  ["growing", { maxSize: "1GiB" }],
  ["fixed and soon full", { size: "24MiB" }],
  ["giving back at once", { maxSize: "1GiB", giveBack: "immediate" }],
  ["of hardening level 1", { maxSize: "1GiB", hardening: 1 }],
];

for (const [kind, options] of kinds) {
  test(`${operations} random operations on a pool ${kind} agree with the model`, async () => {
    using pool = Pool.create(options);
    const model = new Model(pool, 20_261_121);
    let refused = 0;
    for (let index = 0; index < operations; index += 1) {
      try {
        model.step();
      } catch (error) {
        if (!(error instanceof OutOfMemoryError)) throw error;
        refused += 1;
      }
      // In Node freed arrays come back in a later turn.
      if (runtime === "node" && index % 100 === 0) await turn();
      if (index % 10_000 === 0) assert(pool.check(), `after ${index} operations`);
    }
    if ("size" in options) assert(refused > 0, "the pool was never full");
    await model.end();
  });
}
