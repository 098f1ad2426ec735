/**
 * Typed arrays whose buffer is exactly one block, and the book that is kept of them so that close can detach them.
 *
 * @module
 */
import { isDetached, takeMemory } from "./intrinsics.ts";

/**
 * The arrays of the columns of {@linkcode Pool.columns}, by the names of their types.
 *
 * `f16` needs a runtime with `Float16Array`, and a compiler that knows it (`lib` of ES2025 or later): it has no type
 * otherwise.
 *
 * @example
 * ```ts
 * import type { ColumnArrays } from "@vmem/vmem";
 *
 * const prices: ColumnArrays["f64"] = new Float64Array(10);
 * console.log(prices.length);
 * ```
 */
export interface ColumnArrays {
  /** Unsigned integers of 8 bits. */
  u8: Uint8Array<ArrayBuffer>;
  /** Integers of 8 bits. */
  i8: Int8Array<ArrayBuffer>;
  /** Unsigned integers of 16 bits. */
  u16: Uint16Array<ArrayBuffer>;
  /** Integers of 16 bits. */
  i16: Int16Array<ArrayBuffer>;
  /** Unsigned integers of 32 bits. */
  u32: Uint32Array<ArrayBuffer>;
  /** Integers of 32 bits. */
  i32: Int32Array<ArrayBuffer>;
  /** Unsigned integers of 64 bits. */
  u64: BigUint64Array<ArrayBuffer>;
  /** Integers of 64 bits. */
  i64: BigInt64Array<ArrayBuffer>;
  /** Floating point of 16 bits. */
  f16: typeof globalThis extends { Float16Array: new (buffer: ArrayBuffer) => infer A } ? A : never;
  /** Floating point of 32 bits. */
  f32: Float32Array<ArrayBuffer>;
  /** Floating point of 64 bits. */
  f64: Float64Array<ArrayBuffer>;
}

/**
 * The type of a column, for example `"u32"`; see {@linkcode ColumnArrays}.
 *
 * @example
 * ```ts
 * import type { ColumnType } from "@vmem/vmem";
 *
 * const type: ColumnType = "u32";
 * console.log(type);
 * ```
 */
export type ColumnType = keyof ColumnArrays;

/**
 * What {@linkcode Pool.columns} gives: an object with a typed array for each column, and nothing else.
 *
 * @typeParam C The columns' types by their names.
 *
 * @example Columns as the argument of a function
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { type Columns, Pool } from "@vmem/vmem";
 *
 * function total({ price }: Columns<{ price: "f64" }>): number {
 *   return price.reduce((sum, each) => sum + each, 0);
 * }
 * using pool = Pool.create();
 * const orders = pool.columns({ id: "u32", price: "f64" }, 2);
 * orders.price.set([0.5, 1.5]);
 * assertEquals(total(orders), 2);
 * ```
 */
export type Columns<C extends Readonly<Record<string, ColumnType>>> =
  & { readonly [K in keyof C]: ColumnArrays[C[K]] }
  & AnyColumns;

/** Columns, whatever they are called. For the compiler alone: no other object has the property, and nor have they. */
export interface AnyColumns {
  /** Not there. */
  readonly __brand: "Columns";
}

/**
 * Any typed array.
 *
 * @typeParam B Its buffer. With `ArrayBufferLike` what is declared by the bare name of its class is one, too, as in
 * `let rows: Float32Array`.
 */
export type TypedArray<B extends ArrayBufferLike = ArrayBuffer> =
  | Int8Array<B>
  | Uint8Array<B>
  | Uint8ClampedArray<B>
  | Int16Array<B>
  | Uint16Array<B>
  | Int32Array<B>
  | Uint32Array<B>
  | (ArrayBufferLike extends B
    ? typeof globalThis extends { Float16Array: { readonly prototype: infer A } } ? A : never
    : ColumnArrays["f16"])
  | Float32Array<B>
  | Float64Array<B>
  | BigInt64Array<B>
  | BigUint64Array<B>;

/**
 * The class of a typed array, for example `Float64Array`.
 *
 * @typeParam A The arrays it makes.
 *
 * @example A function that takes any of them
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { type ArrayType, Pool, type TypedArray } from "@vmem/vmem";
 *
 * using pool = Pool.create();
 * function three<A extends TypedArray>(type: ArrayType<A>): A {
 *   return pool.alloc(type, 3);
 * }
 * assertEquals(three(Uint16Array).byteLength, 6);
 * ```
 */
export interface ArrayType<A extends TypedArray> {
  /** Bytes of one element. */
  readonly BYTES_PER_ELEMENT: number;
  /** Makes an array over a part of a buffer. */
  new (buffer: ArrayBuffer, byteOffset?: number, length?: number): A;
}

/**
 * Takes the memory away from all views of a buffer: their length is 0 afterwards.
 *
 * @returns Whether that was possible; an engine keeps a buffer that it is using for input or output just now.
 */
export function detach(buffer: ArrayBuffer): boolean {
  try {
    if (!isDetached(buffer)) takeMemory(buffer);
  } catch {
    // A buffer that cannot be detached says so below.
  }
  return isDetached(buffer);
}

/**
 * The living arrays of one pool in this isolate, by their pointer.
 *
 * They are held weakly, so that the collector gives the blocks of forgotten arrays back. But a `WeakRef` keeps its target
 * until the running job ends, freed or not, so a loop that allocates and frees would fill the heap: an array gets its
 * `WeakRef` only when it outlives the job that made it.
 */
export class Arrays {
  readonly #young = new Map<number, ArrayBuffer>();
  readonly #old = new Map<number, WeakRef<ArrayBuffer>>();
  #scheduled = false;
  #sweepAt = 1024;

  add(pointer: number, buffer: ArrayBuffer): void {
    this.#young.set(pointer, buffer);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#age());
  }

  /** The array at a pointer is gone. */
  delete(pointer: number): void {
    this.#young.delete(pointer);
    if (this.#old.size > 0) this.#old.delete(pointer);
  }

  /** The buffer over the block at a pointer, if this isolate made it and still has it. */
  get(pointer: number): ArrayBuffer | undefined {
    return this.#young.get(pointer) ?? this.#old.get(pointer)?.deref();
  }

  detachAll(): void {
    for (const buffer of this.#young.values()) detach(buffer);
    for (const reference of this.#old.values()) {
      const buffer = reference.deref();
      if (buffer !== undefined) detach(buffer);
    }
    this.#young.clear();
    this.#old.clear();
  }

  #age(): void {
    this.#scheduled = false;
    for (const [pointer, buffer] of this.#young) this.#old.set(pointer, new WeakRef(buffer));
    this.#young.clear();
    if (this.#old.size >= this.#sweepAt) this.#sweep();
  }

  /** Collected arrays leave their entries behind; a pointer that is used again replaces its own. */
  #sweep(): void {
    for (const [pointer, reference] of this.#old) {
      if (reference.deref() === undefined) this.#old.delete(pointer);
    }
    this.#sweepAt = Math.max(1024, this.#old.size * 2);
  }
}
