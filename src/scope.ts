// Longer than 300 lines: the documentation of one class, which has to stand in one place to be shown as one.
/**
 * Groups of blocks that end together.
 *
 * @module
 */
import type { AnyColumns, ArrayType, Columns, ColumnType, TypedArray } from "./array.ts";
import { bookOf } from "./columns.ts";
import { VmemError } from "./errors.ts";
import { bufferOf, isDetached, kindOf } from "./intrinsics.ts";
import type { Memory } from "./memory.ts";
import * as native from "./native.ts";
import type { AllocateOptions } from "./options.ts";
import type { Pointer } from "./pointer.ts";
import type { Pool } from "./pool.ts";
import type { Size } from "./size.ts";
import { freeAll, PointerGroup } from "./pointer_group.ts";
import { placeOf, StructGroup } from "./struct/group.ts";
import { isView } from "./struct/make.ts";
import type { Init, Struct, View, ViewMembers } from "./struct/types.ts";
import type { Placed } from "./struct/window.ts";
import { show } from "./text.ts";

/**
 * A group of blocks that are freed together, when the scope ends: made by {@linkcode Pool.scope}, ended by `using` or
 * {@linkcode Scope.close}. Its methods do what those of the pool with the same names do; what they allocate is the scope's
 * until it is freed or kept.
 *
 * Free what is a scope's through the scope: what was freed through the pool, and perhaps given out to somebody else since then,
 * would be freed a second time. End scopes before the pool is reset: what they allocate afterwards they do not free.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { type Pointer, Pool } from "@vmem/vmem";
 *
 * using pool = Pool.create();
 *
 * function squares(count: number): Pointer {
 *   using scope = pool.scope();
 *   const numbers = scope.alloc(Float64Array, count).map((_, i) => i);
 *   const result = scope.malloc(8 * count);
 *   pool.view(Float64Array, result, count).set(numbers.map((n) => n * n));
 *   return scope.keep(result);
 * }
 *
 * assertEquals(pool.view(Float64Array, squares(10), 10)[9], 81);
 * assertEquals(pool.stats().allocated, 80);
 * ```
 */
export class Scope implements Disposable {
  readonly #pool: Pool;
  readonly #memory: Memory;
  readonly #resets: number; // of the pool, when the scope began
  readonly #blocks: PointerGroup = new PointerGroup();
  #arrays: Map<ArrayBuffer, TypedArray<ArrayBufferLike> | AnyColumns> | undefined; // whatever views of the buffers there are
  #structs: StructGroup | undefined;
  #inner: Set<Scope> | undefined;
  #outer: Set<Scope> | undefined;
  #open = true;

  /** @ignore Use {@linkcode Pool.scope}. */
  constructor(pool: Pool, memory: Memory, outer?: Set<Scope>) {
    this.#pool = pool;
    this.#memory = memory;
    this.#resets = memory.number(native.resets(memory.handle), "Cannot open a scope");
    this.#outer = outer;
    outer?.add(this);
  }

  /** As {@linkcode Pool.malloc}. */
  malloc(size: Size, options?: AllocateOptions): Pointer {
    if (!this.#open) this.#refuse("Cannot allocate memory");
    const pointer = this.#pool.malloc(size, options);
    this.#blocks.add(pointer);
    return pointer;
  }

  /** As {@linkcode Pool.calloc}. */
  calloc(count: number, size: Size, options?: AllocateOptions): Pointer {
    if (!this.#open) this.#refuse("Cannot allocate zeroed memory");
    const pointer = this.#pool.calloc(count, size, options);
    this.#blocks.add(pointer);
    return pointer;
  }

  /** As {@linkcode Pool.make}. */
  make<F>(type: Struct<F>, values?: Init<F>): View<F> {
    if (!this.#open) this.#refuse("Cannot make a struct");
    const view = this.#pool.make(type, values);
    (this.#structs ??= new StructGroup()).add(view as unknown as Placed);
    return view;
  }

  /** As {@linkcode Pool.strdup}. */
  strdup(text: string): Pointer {
    if (!this.#open) this.#refuse("Cannot copy text into the pool");
    const pointer = this.#pool.strdup(text);
    this.#blocks.add(pointer);
    return pointer;
  }

  /**
   * As {@linkcode Pool.realloc}.
   *
   * @throws RangeError The block is not the scope's.
   */
  realloc(pointer: Pointer, size: Size): Pointer {
    const action = "Cannot resize a block";
    if (!this.#open) this.#refuse(action);
    if (pointer !== 0 && !this.#blocks.has(pointer)) this.#refuseForeign(action, pointer);
    const moved = this.#pool.realloc(pointer, size);
    this.#blocks.delete(pointer);
    this.#blocks.add(moved);
    return moved;
  }

  /** As {@linkcode Pool.alloc}. */
  alloc<A extends TypedArray>(type: ArrayType<A>, length: number): A {
    if (!this.#open) this.#refuse("Cannot allocate an array");
    const array = this.#pool.alloc(type, length);
    this.#addArray(array);
    return array;
  }

  /** As {@linkcode Pool.columns}. */
  columns<const C extends Readonly<Record<string, ColumnType>>>(
    types: C,
    length: number,
  ): Columns<C> {
    if (!this.#open) this.#refuse("Cannot allocate columns");
    const columns = this.#pool.columns(types, length);
    this.#addArray(columns);
    return columns;
  }

  /**
   * As {@linkcode Pool.resize}.
   *
   * @throws RangeError The array is not the scope's.
   */
  resize<A extends TypedArray<ArrayBufferLike> | AnyColumns>(array: A, length: number): A {
    const action = "Cannot resize an array";
    if (!this.#open) this.#refuse(action);
    const buffer = blockBuffer(array);
    if (!this.#has(array)) this.#refuseForeign(action, array);
    const resized = this.#pool.resize(array, length);
    if (buffer !== undefined) this.#arrays?.delete(buffer);
    this.#addArray(resized);
    return resized;
  }

  /**
   * Frees something before the scope ends.
   *
   * @param block A pointer, an array, columns or a struct that the scope allocated. The null pointer 0 does nothing.
   * @throws VmemError The pool is closed (EBADF), or the engine uses the array for input or output just now (EBUSY).
   * @throws RangeError It is not the scope's.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * using scope = pool.scope();
   * scope.free(scope.malloc(64));
   * assertEquals(pool.stats().allocated, 0);
   * ```
   */
  free(block: Pointer | TypedArray<ArrayBufferLike> | AnyColumns | ViewMembers): void {
    if (block === 0) return;
    if (!this.#has(block)) this.#refuseForeign("Cannot free a block", block);
    const key = keyOf(block);
    this.#pool.free(block);
    this.#delete(block, key);
  }

  /**
   * Hands something over to the pool: it stays when the scope ends, and is freed through the pool.
   *
   * @typeParam T What it is.
   * @param block A pointer, an array, columns or a struct that the scope allocated.
   * @returns The same.
   * @throws RangeError It is not the scope's.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const scope = pool.scope();
   * const result = scope.keep(scope.malloc(64));
   * scope.close();
   * pool.free(result);
   * assertEquals(pool.stats().allocated, 0);
   * ```
   */
  keep<T extends Pointer | TypedArray<ArrayBufferLike> | AnyColumns | ViewMembers>(block: T): T {
    if (!this.#has(block)) this.#refuseForeign("Cannot keep a block", block);
    this.#delete(block, keyOf(block));
    return block;
  }

  /**
   * A scope that ends with this one at the latest.
   *
   * @returns The scope.
   * @throws VmemError The pool is closed (EBADF).
   */
  scope(): Scope {
    if (!this.#open) this.#refuse("Cannot open a scope");
    return new Scope(this.#pool, this.#memory, this.#inner ??= new Set());
  }

  /**
   * Ends the scope: frees what is left, most of it by one native call. An array that the engine uses for input or output just now
   * is freed when that has ended. Never throws; closing it again, or after the pool, does nothing.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const scope = pool.scope();
   * const array = scope.alloc(Uint8Array, 100);
   * scope.close();
   * assertEquals([array.length, pool.stats().allocated], [0, 0]);
   * ```
   */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#outer?.delete(this);
    for (const scope of this.#inner ?? []) scope.close();
    for (const array of this.#arrays?.values() ?? []) this.#freeArray(array);
    this.#arrays = undefined;
    const { handle } = this.#memory;
    const blocks = this.#blocks.takeAll();
    if (blocks.length === 0 && this.#structs === undefined) return;
    if (native.resets(handle) !== this.#resets) return;
    freeAll(handle, blocks);
    if (this.#structs === undefined) return;
    freeAll(handle, new Float64Array(this.#structs.takeAll(this.#memory)));
  }

  /** What `using` calls. */
  [Symbol.dispose](): void {
    this.close();
  }

  #addArray(array: TypedArray<ArrayBufferLike> | AnyColumns): void {
    const buffer = blockBuffer(array);
    if (buffer !== undefined) (this.#arrays ??= new Map()).set(buffer, array);
  }

  #freeArray(array: TypedArray<ArrayBufferLike> | AnyColumns): void {
    const buffer = blockBuffer(array);
    if (buffer !== undefined && isDetached(buffer)) return; // somebody else's since it was posted, or freed through the pool
    try {
      this.#pool.free(array);
    } catch (error) {
      // In use: the collector frees it later. Closed: nothing is left to free.
      if (!(error instanceof VmemError)) throw error;
    }
  }

  #has(block: unknown): boolean {
    if (typeof block === "number") return this.#blocks.has(block);
    if (this.#structs?.has(block)) return true;
    const buffer = blockBuffer(block);
    return buffer !== undefined && this.#arrays?.has(buffer) === true;
  }

  /** `key` is what `keyOf` said when the block was alive. */
  #delete(block: unknown, key: number | ArrayBuffer): void {
    if (typeof key === "object") this.#arrays?.delete(key);
    else if (isView(block)) this.#structs?.delete(key);
    else this.#blocks.delete(key);
  }

  #refuseForeign(action: string, block: unknown): never {
    const what = typeof block === "number" ? `the block at ${block}` : show(block);
    throw new RangeError(`${action}: ${what} is not of this scope`);
  }

  #refuse(action: string): never {
    throw new TypeError(`${action}: the scope is closed`);
  }
}

/** The buffer that an array or columns are, or an array is a part of. */
function blockBuffer(value: unknown): ArrayBuffer | undefined {
  if (kindOf(value) !== undefined) return bufferOf(value) as ArrayBuffer;
  return bookOf(value)?.bytes.buffer;
}

/** What the book of a scope has something by: its pointer or its buffer. */
function keyOf(block: unknown): number | ArrayBuffer {
  if (typeof block === "number") return block;
  return isView(block) ? placeOf(block) : blockBuffer(block) ?? 0;
}
