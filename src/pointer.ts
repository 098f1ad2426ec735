/**
 * Pointers into a pool.
 *
 * @module
 */
import { show } from "./text.ts";

/**
 * A block of a pool: its offset in bytes from the pool's start. It is a plain number at run time, 0 is null, and it means
 * something only to the pool it came from.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { type Pointer, Pool } from "@vmem/vmem";
 *
 * using pool = Pool.create();
 * const at: Pointer = pool.malloc(64);
 * assert(at > 0);
 * pool.free(at);
 * ```
 */
export type Pointer = number & { readonly __brand: "Pointer" };

/**
 * Pointers to many blocks, as doubles in one array.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { type Pointers, Pool } from "@vmem/vmem";
 *
 * using pool = Pool.create();
 * const many: Pointers = pool.mallocMany(32, 1000);
 * assertEquals(many.length, 1000);
 * pool.freeMany(many);
 * ```
 */
export interface Pointers extends Float64Array<ArrayBuffer> {
  /** The pointer at an index. */
  [index: number]: Pointer;
}

/** Throws unless the value can be an offset in a pool, null included. */
export function checkPointer(value: unknown, action: string): asserts value is Pointer {
  if (typeof value !== "number") {
    throw new TypeError(`${action}: a pointer is a number, not ${show(value)}`);
  }
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${action}: ${show(value)} is not a pointer`);
  }
}
