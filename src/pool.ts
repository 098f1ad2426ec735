// Longer than 300 lines: the documentation of one class, which has to stand in one place to be shown as one.
/**
 * Pools: memory on a file, with a heap inside.
 *
 * What a method does is in the file of its group, as a function of the pool's `Memory`: bytes.ts, heap.ts, arrays.ts.
 * Only the hot paths are here. They call a native function first and look at their arguments only when it refuses: the
 * native side checks all numbers anyway.
 *
 * @module
 */
import type { AnyColumns, ArrayType, Columns, ColumnType, TypedArray } from "./array.ts";
import { freeArray, makeArray, pointerOf, resize } from "./arrays.ts";
import { address, read, view, write } from "./bytes.ts";
import { type LiveBlock, walkBlocks } from "./blocks_walk.ts";
import { watchAttached, watchCreated } from "./collected.ts";
import { bookOf, freeColumns, makeColumns, resizeColumns } from "./columns.ts";
import {
  allocate,
  allocateMany,
  allocateZeroed,
  freeMany,
  owns,
  reallocate,
  reset,
  usableSize,
} from "./heap.ts";
import { control, type Controls, type ControlValue } from "./controls.ts";
import { type Leak, leaksOf } from "./leaks.ts";
import { closedHandle, Memory, setMemory } from "./memory.ts";
import * as native from "./native.ts";
import { free as nativeFree, malloc as nativeMalloc } from "./native.ts";
import {
  type AllocateOptions,
  type NativeOptions,
  type PoolOptions,
  poolOptions,
  type RegionOptions,
  regionOptions,
} from "./options.ts";
import { survey } from "./occupancy.ts";
import * as svg from "./occupancy_svg.ts";
import * as text from "./occupancy_text.ts";
import type { Pointer, Pointers } from "./pointer.ts";
import { EBADF, withMessage } from "./refuse.ts";
import type { Size } from "./size.ts";
import { Scope } from "./scope.ts";
import { compare, copy, fill, find } from "./spans.ts";
import {
  type DetailedStatistics,
  readDetails,
  readStatistics,
  type Statistics,
  statisticsText,
  type StatisticsTextOptions,
  wantsDetail,
} from "./statistics.ts";
import { freeView, isView, make } from "./struct/make.ts";
import type { Init, Struct, View, ViewMembers } from "./struct/types.ts";
import { duplicate, readText, textLength, writeText } from "./strings.ts";
import { attachToken, type PoolToken, tokenOf } from "./token.ts";
import { show } from "./text.ts";
import { placeOfPool, trace } from "./trace.ts";
import { notify, wait, type WaitOptions } from "./waiting.ts";

const secret = Symbol("Pool.create");

/**
 * A heap in a file: memory that lies on a file system of your choice instead of on the JavaScript heap, for data that is
 * larger than memory or should not be the garbage collector's business. The file is temporary: it has no name, and its
 * storage goes back when the pool is closed or the process ends, however it ends.
 *
 * Two kinds of blocks share a pool. *Arrays* ({@linkcode Pool.alloc}) are typed arrays: safe, each at the cost of an
 * ArrayBuffer. *Pointers* ({@linkcode Pool.malloc}) are numbers: many and small, at the cost of a native call, with
 * the duties of malloc and free.
 *
 * A pool belongs to the worker that made it, which should close it: `using` does. Others attach it by its
 * {@linkcode Pool.token}.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Pool } from "@vmem/vmem";
 *
 * using pool = Pool.create({ maxSize: "1GiB" });
 * const samples = pool.alloc(Float64Array, 1_000_000);
 * samples[999_999] = 0.5;
 *
 * const at = pool.malloc(64);
 * pool.view(Uint8Array, at, 64).fill(1);
 * pool.free(at);
 * assertEquals(samples[999_999], 0.5);
 * ```
 */
export class Pool implements Disposable {
  /** `closedHandle` after `close`. */
  #handle: number;
  readonly #memory: Memory;
  /** Whether it was created here, so that its close ends it. */
  readonly #own: boolean;

  /** @ignore Use {@linkcode Pool.create}. */
  private constructor(key: symbol, handle: number, own: boolean) {
    if (key !== secret) {
      throw new TypeError("Cannot construct a Pool: use Pool.create() or Pool.attach()");
    }
    this.#handle = handle;
    this.#own = own;
    this.#memory = new Memory(handle);
    setMemory(this, this.#memory);
  }

  /**
   * Makes a pool. Costs tens of microseconds for a growing pool of any size; with `size` as long as the file system
   * takes to allocate the storage.
   *
   * @param options Where and how large; see {@linkcode PoolOptions}.
   * @returns The pool. Close it, or declare it with `using`.
   * @throws VmemError The directory cannot be used (ENOENT, ENOTDIR, EACCES, EROFS), has no room (ENOSPC, EDQUOT) or cannot
   * promise its storage (EOPNOTSUPP); no address space (ENOMEM), too many open files or pools (EMFILE). The
   * device is none of DAX (EINVAL), in use (EBUSY), bound to no driver (ENXIO), or consists of huge pages, which the process may not have
   * (EOPNOTSUPP). `hugePages`: the process may not have them, or the kernel has none (EOPNOTSUPP). `numaNode`: the process has no memory
   * on such a node (EINVAL), it may not choose (EPERM), or the file system's pages are the system's to place (EOPNOTSUPP).
   * @throws LibraryError The native library cannot be loaded.
   * @throws TypeError or RangeError An option is not as it should be.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using fixed = Pool.create({ dir: "/tmp", size: "2MiB" });
   * using growing = Pool.create({ maxSize: "16GiB" });
   * assertEquals(fixed.stats().committed, 2 * 2 ** 20);
   * assertEquals(growing.stats().mapped, 16 * 2 ** 30);
   * ```
   */
  static create(options: PoolOptions = {}): Pool {
    const given = poolOptions(options);
    return Pool.#make(given, placeOfPool(given, Pool.create));
  }

  /**
   * Makes a pool on memory that the program has: mapped by another library, shared with a process, on a device. All of it is the
   * pool's until the close, which leaves it mapped, with unspecified contents; **keep it mapped and writable until then**, and until every
   * view and array of the pool is gone. What was in it is lost.
   *
   * Pointers count from the multiple of 4 GiB below the address, so that the low 32 bits of an address are those of its pointer, as in every
   * pool. In Bun structs beyond the first GiB are reached by native calls.
   *
   * @param address Where it begins, a multiple of the page size (4 KiB): what `Deno.UnsafePointer.value()` or `ptr()` of `bun:ffi` gives.
   * @param size Bytes, at least 1 MiB; what is more than a multiple of the page size stays unused.
   * @param options See {@linkcode RegionOptions}.
   * @returns The pool. Close it, or declare it with `using`.
   * @throws VmemError The address is not aligned, or the range wraps around or, with `prefault`, cannot be written (EINVAL); another open
   * pool has a part of it (EEXIST); it has more than 16 TiB (EFBIG); no memory for the bookkeeping (ENOMEM). For `hugePages` and `numaNode` see {@linkcode Pool.create}.
   * @throws LibraryError The native library cannot be loaded.
   * @throws TypeError or RangeError The address is none, `size` is none or too small, an option is not as it should be.
   *
   * @example In the memory of another pool, for want of something else here
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool, VmemError } from "@vmem/vmem";
   *
   * using other = Pool.create({ size: "4MiB" });
   * const block = other.malloc("2MiB", { align: 4096 });
   * let refused = "";
   * try {
   *   Pool.inRegion(other.address(block), "2MiB");
   * } catch (error) {
   *   refused = error instanceof VmemError ? error.code : "";
   * }
   * assertEquals(refused, "EEXIST"); // it is that pool's
   * ```
   */
  static inRegion(address: number | bigint, size: Size, options: RegionOptions = {}): Pool {
    const given = regionOptions(address, size, options);
    return Pool.#make(given, placeOfPool(given, Pool.inRegion));
  }

  /** `made`: where, if it is to be traced. */
  static #make(options: NativeOptions, made: string | undefined): Pool {
    const { numbers, directory, checked } = options;
    native.openNative();
    const handle = native.create(numbers, numbers.length, directory, directory.length);
    if (handle < 0) throw withMessage(handle);
    const pool = new Pool(secret, handle, true);
    if (checked) pool.#memory.space.check();
    watchCreated(pool.#memory, handle, made ?? "", options.trace === false);
    if (made === undefined) return pool;
    native.trace(handle);
    trace(pool, pool.#memory, made, options.trace);
    return pool;
  }

  /**
   * Uses a pool that was created elsewhere, usually in another worker. Pointers mean the same in all of them: what one
   * allocates the others may read, write and free, at the same cost.
   *
   * An attachment has views and arrays of its own. Its close ends only the attachment; so does the end of its worker,
   * however that comes, and its blocks stay. The close of the pool where it was created ends it for all; if that worker
   * ends without closing, the pool lives as long as its last attachment.
   *
   * @param token {@linkcode Pool.token} of an open pool of this process.
   * @returns The pool. Close it, or declare it with `using`.
   * @throws VmemError The pool is closed (EBADF), or there is no memory to keep book of the attachment (ENOMEM).
   * @throws LibraryError The native library cannot be loaded.
   * @throws TypeError It is no token, or one of another process.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.calloc(1, 8);
   * {
   *   using same = Pool.attach(pool.token); // usually in a worker, to which token and pointer were posted
   *   same.view(Float64Array, at, 1)[0] = 0.5;
   * }
   * assertEquals(pool.view(Float64Array, at, 1)[0], 0.5);
   * ```
   */
  static attach(token: PoolToken): Pool {
    native.openNative();
    const pool = new Pool(secret, attachToken(token), false);
    watchAttached(pool.#memory, pool.#handle);
    if (native.isTraced(pool.#handle) === 1) trace(pool, pool.#memory, "", undefined);
    return pool;
  }

  /**
   * What another worker needs to {@linkcode Pool.attach} this pool; post it as it is. It means nothing to other processes.
   *
   * @throws VmemError The pool is closed (EBADF).
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * // worker.postMessage({ token: pool.token, list: pool.malloc(64) });
   * assertEquals(typeof pool.token, "string");
   * ```
   */
  get token(): PoolToken {
    const action = "Cannot name the pool";
    this.#memory.number(native.size(this.#handle), action);
    return tokenOf(this.#handle);
  }

  /**
   * Allocates a typed array whose ArrayBuffer is exactly one block. Its elements are 0.
   *
   * The block goes back to the pool by {@linkcode Pool.free}, or some time after the array was forgotten. Put into a
   * transfer list, the array moves to a worker without a copy.
   *
   * @typeParam A The kind of array.
   * @param type The array's class, for example `Float64Array`.
   * @param length Elements, a whole number from 1.
   * @returns The array.
   * @throws OutOfMemoryError The pool has no room.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError `type` is no class of typed arrays, `length` no length or more than a buffer holds (4 GiB on Bun).
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const counts = pool.alloc(Uint32Array, 1000);
   * assertEquals([counts.length, counts.byteOffset, counts.buffer.byteLength], [1000, 0, 4000]);
   * ```
   */
  alloc<A extends TypedArray>(type: ArrayType<A>, length: number): A {
    return makeArray(this.#memory, type, length);
  }

  /**
   * Allocates columns, a struct of arrays: a typed array for each field of many records, all in one block. Their elements are
   * 0. Each begins at a multiple of 64 bytes from the block's start, in the order of the object's properties.
   *
   * Scanning a field of many records is what they are good at (take the arrays out of the object before a hot loop); to reach several
   * fields of one record at random, use structs. To append, keep the number of records in use beside them and double the length by {@linkcode Pool.resize} when they are full.
   *
   * @typeParam C The columns' types by their names.
   * @param types The types by the names: "u8", "i8", "u16", "i16", "u32", "i32", "f32", "f64", "u64" and "i64" (bigint), and "f16"
   * where the runtime has Float16Array.
   * @param length Elements of each column, a whole number from 1.
   * @returns An object with the arrays and nothing else, so that any name is possible. For {@linkcode Pool.resize} and {@linkcode Pool.free}.
   * @throws OutOfMemoryError The pool has no room.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError There is no column, or one of no known type; `length` is no length; together they are more
   * than a buffer holds (4 GiB on Bun).
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * let orders = pool.columns({ id: "u32", price: "f64" }, 2);
   * let count = 0;
   * for (const price of [9.5, 20, 0.5]) {
   *   if (count === orders.id.length) orders = pool.resize(orders, count * 2);
   *   orders.id[count] = 1000 + count;
   *   orders.price[count] = price;
   *   count += 1;
   * }
   * assertEquals([...orders.price], [9.5, 20, 0.5, 0]);
   * pool.free(orders);
   * ```
   */
  columns<const C extends Readonly<Record<string, ColumnType>>>(
    types: C,
    length: number,
  ): Columns<C> {
    return makeColumns(this.#memory, types, length) as Columns<C>;
  }

  /**
   * Makes an array or columns longer or shorter. The elements are kept as far as they fit, new ones are 0. The result is a new
   * array, or new columns, in the same block where that is possible; the ones given have length 0 afterwards. On an error they are
   * untouched. Input or output from columns should have ended before: it might find them moved.
   *
   * @typeParam A The kind of array or columns.
   * @param array An array of {@linkcode Pool.alloc}, not a part of one, or columns of {@linkcode Pool.columns}.
   * @param length Elements, a whole number from 1.
   * @returns The new array or columns.
   * @throws OutOfMemoryError The pool has no room.
   * @throws VmemError The pool is closed (EBADF), or the engine uses the array for input or output just now (EBUSY).
   * @throws TypeError or RangeError The array is not this pool's, or `length` is no length.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const short = pool.alloc(Uint8Array, 2).fill(7);
   * const long = pool.resize(short, 4);
   * assertEquals([...long], [7, 7, 0, 0]);
   * assertEquals(short.length, 0);
   * ```
   */
  resize<A extends TypedArray<ArrayBufferLike> | AnyColumns>(array: A, length: number): A {
    const book = bookOf(array);
    return book === undefined
      ? resize(this.#memory, array as TypedArray, length) as A
      : resizeColumns(this.#memory, book, length) as A;
  }

  /**
   * Allocates a block. Its bytes are undefined; {@linkcode Pool.calloc} gives zeros.
   *
   * @param size Bytes, from 1.
   * @param options The alignment, if the usual one will not do.
   * @returns The block's pointer, for {@linkcode Pool.free}.
   * @throws OutOfMemoryError The pool has no room.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError `size` is no size, `align` no power of two up to 1 GiB.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.malloc(4096, { align: 4096 });
   * assertEquals(at % 4096, 0);
   * pool.free(at);
   * ```
   */
  malloc(size: Size, options?: AllocateOptions): Pointer {
    if (typeof size === "number" && options === undefined) {
      const pointer = nativeMalloc(this.#handle, size);
      // A small integer, not a double: see `number` in memory.ts.
      const small = pointer | 0;
      if (small === pointer && small > 0) return small as Pointer;
      if (pointer > 0) return pointer as Pointer;
    }
    return allocate(this.#memory, size, options, 0);
  }

  /**
   * Allocates a block for `count` elements of `size` bytes, all 0. Fresh memory is not zeroed again.
   *
   * @param count Elements, a whole number from 1.
   * @param size Bytes of an element, from 1.
   * @param options The alignment, if the usual one will not do.
   * @returns The block's pointer.
   * @throws OutOfMemoryError The pool has no room.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError As for {@linkcode Pool.malloc}; the product is more than 2^53 - 1.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.calloc(10, 8);
   * assertEquals(pool.view(BigInt64Array, at, 10)[9], 0n);
   * ```
   */
  calloc(count: number, size: Size, options?: AllocateOptions): Pointer {
    return allocateZeroed(this.#memory, count, size, options);
  }

  /**
   * Makes a block larger or smaller, in its place where that is possible. Its bytes are kept as far as they fit. On an
   * error the block is as it was.
   *
   * @param pointer The block; 0 allocates a new one.
   * @param size Bytes, from 1.
   * @returns The block's pointer from now on.
   * @throws OutOfMemoryError The pool has no room.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError `pointer` is no block of this pool or was freed, `size` is no size.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const small = pool.calloc(1, 16);
   * const large = pool.realloc(small, "1MiB");
   * assertEquals(pool.view(Uint8Array, large, 16)[15], 0);
   * ```
   */
  realloc(pointer: Pointer, size: Size): Pointer {
    return reallocate(this.#memory, pointer, size);
  }

  /**
   * Allocates a struct: zeros, and then its first values. On an error nothing stays allocated.
   *
   * @typeParam F The struct's declaration.
   * @param type The struct, made by {@linkcode struct}.
   * @param values Values of fields; what is left out is 0, false, "" or null.
   * @returns A view of it. {@linkcode Pool.free} frees the struct, with the strings that it owns.
   * @throws OutOfMemoryError The pool has no room.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError `type` is no struct, it has no such field, or a value is wrong for its field.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool, struct } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const Point = struct({ x: "f64", y: "f64" });
   * const point = pool.make(Point, { x: 0.5 });
   * assertEquals([point.x, point.y], [0.5, 0]);
   * ```
   */
  make<F>(type: Struct<F>, values?: Init<F>): View<F> {
    return make(this.#memory, type, values) as unknown as View<F>;
  }

  /**
   * Frees a block. A pointer's bytes may be given out again at once. Arrays and columns have length 0 afterwards. A view of a
   * struct throws afterwards, its owned strings are freed too; other views of the same struct reach what lies there then. Give
   * the view of the whole struct: one of the first struct in it begins at the same place, and the other strings would stay.
   *
   * @param block A pointer, an array of {@linkcode Pool.alloc}, columns of {@linkcode Pool.columns}, or a view of a struct. The null pointer 0 does nothing.
   * @throws VmemError The pool is closed (EBADF), or the engine uses the array for input or output just now (EBUSY).
   * @throws TypeError or RangeError It is no block of this pool, only a part of one, or was freed already; nothing is changed.
   *
   * @example
   * ```ts
   * import { assertThrows } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.malloc(64);
   * pool.free(at);
   * assertThrows(() => pool.free(at), RangeError, "was freed already");
   * ```
   */
  free(block: Pointer | TypedArray<ArrayBufferLike> | AnyColumns | ViewMembers): void {
    if (typeof block === "number") {
      const status = nativeFree(this.#handle, block);
      if (status !== 0) this.#memory.refuse(status, "Cannot free a block", block);
      return;
    }
    if (isView(block)) return freeView(this.#memory, block);
    const book = bookOf(block);
    if (book === undefined) freeArray(this.#memory, block as TypedArray);
    else freeColumns(this.#memory, book);
  }

  /**
   * Bytes that a block really has, at least as many as were asked for. All of them may be used.
   *
   * @param block A pointer or an array; 0 for the null pointer.
   * @returns Bytes.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError It is no block of this pool, or was freed.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * assertEquals(pool.usableSize(pool.malloc(100)), 112);
   * ```
   */
  usableSize(block: Pointer | TypedArray<ArrayBufferLike>): number {
    const action = "Cannot tell the size of a block";
    const pointer = typeof block === "object" ? pointerOf(this.#memory, block, action) : block;
    return usableSize(this.#memory, pointer, action);
  }

  /**
   * Whether a block that is in use starts at a pointer.
   *
   * @param pointer Any number.
   * @returns False also for what never was a pointer.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError It is not a number.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.malloc(64);
   * assertEquals([pool.owns(at), pool.owns(at + 8), pool.owns(0)], [true, false, false]);
   * ```
   */
  owns(pointer: number): boolean {
    return owns(this.#memory, pointer);
  }

  /**
   * Allocates many blocks of one size by one native call, all of them or none.
   *
   * @param size Bytes of each, from 1.
   * @param count Blocks, a whole number from 1.
   * @returns Their pointers.
   * @throws OutOfMemoryError The pool has no room for all of them.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError `size` is no size, `count` no count.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const nodes = pool.mallocMany(32, 10_000);
   * assertEquals(new Set(nodes).size, 10_000);
   * pool.freeMany(nodes);
   * ```
   */
  mallocMany(size: Size, count: number): Pointers {
    return allocateMany(this.#memory, size, count);
  }

  /**
   * Frees many blocks by one native call. Null pointers are passed over.
   *
   * @param pointers What {@linkcode Pool.mallocMany} gave, or any list of pointers.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError One is no block of this pool or was freed already; those before it are freed, those
   * behind it are not. The message says which one.
   *
   * @example
   * ```ts
   * import { assertThrows } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.malloc(8);
   * assertThrows(() => pool.freeMany([at, at]), RangeError, "Cannot free pointer 1 of 2");
   * ```
   */
  freeMany(pointers: Pointers | readonly Pointer[]): void {
    freeMany(this.#memory, pointers);
  }

  /**
   * A typed array over bytes of the pool, to reach what a pointer points to. It shares a large ArrayBuffer with other views,
   * and costs some tens of nanoseconds. It says nothing about the block: freeing the block leaves the view over memory that
   * the pool may give out again. Its bytes can always be read; those that belong to no block are undefined.
   *
   * @typeParam A The kind of array.
   * @param type The array's class, for example `Uint8Array`.
   * @param pointer Where it begins: a block or any place inside one, at a multiple of the element's size.
   * @param length Elements, a whole number from 1.
   * @returns The view. After the pool was closed its length is 0.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError It would not lie in the pool or is not aligned; more than 4 GiB on Bun.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.malloc(24);
   * pool.view(Float64Array, at, 3).set([1, 2, 3]);
   * assertEquals(pool.view(Uint8Array, at, 24)[7], 0x3f);
   * ```
   */
  view<A extends TypedArray>(type: ArrayType<A>, pointer: Pointer, length: number): A {
    return view(this.#memory, type, pointer, length);
  }

  /**
   * Copies bytes out of the pool, natively: for small pieces at far apart places, or where views are too many.
   *
   * @param pointer Where the bytes are, anywhere in the pool.
   * @param target Where they go; its length says how many. May be shared memory.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError They would not lie in the pool, or `target` is no view, or detached.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.malloc(2);
   * pool.write(at, new Uint8Array([1, 2]));
   * const copy = new Uint8Array(2);
   * pool.read(at, copy);
   * assertEquals([...copy], [1, 2]);
   * ```
   */
  read(pointer: Pointer, target: ArrayBufferView): void {
    read(this.#memory, pointer, target);
  }

  /**
   * Copies bytes into the pool, natively.
   *
   * @param pointer Where they go, anywhere in the pool.
   * @param source The bytes. May be shared memory.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError They would not lie in the pool, or `source` is no view, or detached.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.malloc(8);
   * pool.write(at, new Float64Array([0.5]));
   * assertEquals(pool.view(Float64Array, at, 1)[0], 0.5);
   * ```
   */
  write(pointer: Pointer, source: ArrayBufferView): void {
    write(this.#memory, pointer, source);
  }

  /**
   * Copies bytes from one place to another, natively; the places may overlap.
   *
   * @param to Where they go, anywhere in this pool.
   * @param from Where they are.
   * @param length Bytes; 0 copies nothing.
   * @param source The pool they are in, if it is not this one.
   * @throws VmemError A pool is closed (EBADF).
   * @throws TypeError or RangeError One of the places does not lie in its pool, or `length` is no size; nothing is changed.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const from = pool.strdup("hello");
   * const to = pool.malloc(6);
   * pool.copy(to, from, 6);
   * assertEquals(pool.readText(to), "hello");
   * ```
   */
  copy(to: Pointer, from: Pointer, length: Size, source?: Pool): void {
    copy(this.#memory, to, from, length, source);
  }

  /**
   * Fills bytes with a value, natively.
   *
   * @param pointer Where they begin, anywhere in the pool.
   * @param value A byte from 0 to 255, or a typed array whose bytes are repeated; the last copy is cut off at the end.
   * @param length Bytes to fill; 0 fills nothing.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError They do not lie in the pool, `value` is no byte or an empty array, `length` no size;
   * nothing is changed.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.malloc(80);
   * pool.fill(at, Float64Array.of(0.5), 80);
   * assertEquals(pool.view(Float64Array, at, 10)[9], 0.5);
   * pool.fill(at, 0, 80);
   * assertEquals(pool.view(Float64Array, at, 10)[9], 0);
   * ```
   */
  fill(pointer: Pointer, value: number | ArrayBufferView, length: Size): void {
    fill(this.#memory, pointer, value, length);
  }

  /**
   * Compares the bytes at two places, natively, as C's `memcmp` does.
   *
   * @param a One place, anywhere in the pool.
   * @param b The other.
   * @param length Bytes; places of 0 bytes are equal.
   * @returns 0: they are equal. -1 or 1: the first bytes that differ, as numbers from 0 to 255, are less or greater at `a`.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError One of the places does not lie in the pool, or `length` is no size.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const [a, b] = [pool.strdup("apple"), pool.strdup("apricot")];
   * assertEquals([pool.compare(a, b, 2), pool.compare(a, b, 3)], [0, -1]);
   * ```
   */
  compare(a: Pointer, b: Pointer, length: Size): -1 | 0 | 1 {
    return compare(this.#memory, a, b, length);
  }

  /**
   * Searches bytes, natively. The time is in proportion to `length`, whatever the bytes are.
   *
   * @param pointer Where they begin, anywhere in the pool.
   * @param length Bytes to look at.
   * @param wanted A byte from 0 to 255, a typed array whose bytes are looked for, or a text as UTF-8.
   * @returns Bytes before the first place where it stands, or -1.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError They do not lie in the pool, `wanted` is no byte or empty, `length` no size.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const line = pool.strdup("key=value");
   * assertEquals(pool.find(line, 9, "="), 3);
   * assertEquals(pool.find(line, 9, 10), -1);
   * ```
   */
  find(pointer: Pointer, length: Size, wanted: number | string | ArrayBufferView): number {
    return find(this.#memory, pointer, length, wanted);
  }

  /**
   * Copies a text into a block of its own, as UTF-8 with an end mark: a C string. A lone surrogate becomes U+FFFD.
   *
   * @param text The text, without U+0000.
   * @returns The block's pointer, for {@linkcode Pool.free}.
   * @throws OutOfMemoryError The pool has no room.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError `text` is no string, or contains U+0000, which would end it.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.strdup("grüße");
   * assertEquals([pool.readText(at), pool.textLength(at)], ["grüße", 7]);
   * pool.free(at);
   * ```
   */
  strdup(text: string): Pointer {
    return duplicate(this.#memory, text);
  }

  /**
   * Reads text. Bytes that are no UTF-8 become U+FFFD.
   *
   * @param pointer Where it begins, anywhere in the pool.
   * @param length Bytes, all of which are text, zeros too. Without it a C string is read, up to its end mark; of a
   * field of fixed size, which may be full, read {@linkcode Pool.textLength} bytes.
   * @returns The text.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError It does not lie in the pool, there is no end mark before the pool's end, or `length` is no size.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.strdup("key=value");
   * assertEquals([pool.readText(at), pool.readText(at, 3)], ["key=value", "key"]);
   * ```
   */
  readText(pointer: Pointer, length?: Size): string {
    return readText(this.#memory, pointer, length);
  }

  /**
   * Writes text as a C string: UTF-8 with an end mark. A lone surrogate becomes U+FFFD.
   *
   * @param pointer Where it goes, anywhere in the pool.
   * @param text The text, without U+0000.
   * @param room Bytes that may be written, the end mark included.
   * @returns Bytes of the text, without the end mark.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError The room does not lie in the pool, or the text does not fit in it or contains U+0000; nothing
   * is changed.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.malloc(16);
   * assertEquals(pool.writeText(at, "10 €", 16), 6);
   * assertEquals(pool.readText(at), "10 €");
   * ```
   */
  writeText(pointer: Pointer, text: string, room: Size): number {
    return writeText(this.#memory, pointer, text, room);
  }

  /**
   * Bytes of a C string, without its end mark.
   *
   * @param pointer Where it begins, anywhere in the pool.
   * @param maximum Bytes to look at, after which there need not be an end mark. Without it, all up to the pool's end.
   * @returns Bytes before the end mark, or `maximum`.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError It does not lie in the pool, there is no end mark before the pool's end, or `maximum` is no size.
   *
   * @example A field of eight bytes, like C's `char[8]`
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.malloc(8);
   * pool.write(at, new TextEncoder().encode("12345678"));
   * assertEquals(pool.readText(at, pool.textLength(at, 8)), "12345678");
   * ```
   */
  textLength(pointer: Pointer, maximum?: Size): number {
    return textLength(this.#memory, pointer, maximum);
  }

  /**
   * The absolute address of a pointer, for other native libraries. It means something as long as the block and the pool do.
   *
   * @param pointer Any place in the pool.
   * @returns The address, exact; 0 for the null pointer.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError It does not lie in the pool.
   *
   * @example The low 32 bits of an address are those of the pointer
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.malloc(8);
   * assertEquals(pool.address(at) % 2 ** 32, at);
   * ```
   */
  address(pointer: Pointer): number {
    return address(this.#memory, pointer);
  }

  /**
   * Sleeps until another thread calls {@linkcode Pool.notify} for a word of the pool, if the word has the expected value now:
   * what `Atomics.wait` does for shared memory and cannot do for this. The thread does nothing else meanwhile, not even on
   * the main thread, where all runtimes allow it; a worker that is terminated ends when the wait does.
   *
   * @param pointer The word: 32 bits at a multiple of 4 in a block, written with `Atomics` through an `Int32Array` or
   * `Uint32Array`.
   * @param expected The value, as a signed or unsigned number.
   * @param options How long.
   * @returns "ok" when it was notified, "not-equal" at once if the word has another value, "timed-out".
   * @throws VmemError The pool is closed, or was meanwhile (EBADF).
   * @throws TypeError or RangeError There is no such word, `expected` has more than 32 bits, the timeout is none.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const flag = pool.calloc(1, 4);
   * assertEquals(pool.wait(flag, 1), "not-equal");
   * assertEquals(pool.wait(flag, 0, { timeout: 5 }), "timed-out");
   * ```
   */
  wait(
    pointer: Pointer,
    expected: number,
    options?: WaitOptions,
  ): "ok" | "not-equal" | "timed-out" {
    return wait(this.#memory, pointer, expected, options);
  }

  /**
   * Wakes threads that {@linkcode Pool.wait} for a word, the longest waiting first. Write the word before, with `Atomics`. Costs
   * a native call when nobody waits.
   *
   * @param pointer The word.
   * @param count How many threads at most; all of them by default.
   * @returns How many there were.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError or RangeError There is no such word, `count` is no count.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const flag = pool.calloc(1, 4);
   * Atomics.store(pool.view(Int32Array, flag, 1), 0, 1);
   * assertEquals(pool.notify(flag), 0);
   * ```
   */
  notify(pointer: Pointer, count: number = Infinity): number {
    return notify(this.#memory, pointer, count);
  }

  /**
   * The pool's numbers. Takes the heap's locks, costs microseconds; by class and arena up to a millisecond.
   *
   * @param options `detail: true` adds the numbers of each class and each arena.
   * @returns Bytes and counts, see {@linkcode Statistics} and {@linkcode DetailedStatistics}.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError An option is not as it should be.
   *
   * @example
   * ```ts
   * import { assert, assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create({ size: "4MiB" });
   * const { allocated, available } = pool.stats();
   * assert(allocated === 0 && available > 4_000_000);
   *
   * pool.mallocMany(100, 10);
   * const { classes } = pool.stats({ detail: true });
   * assertEquals(classes.find(({ size }) => size === 112)?.live, 10);
   * ```
   */
  stats(): Statistics;
  /** The same with the numbers of each class and each arena. */
  stats(options: { readonly detail: true }): DetailedStatistics;
  stats(options?: { readonly detail?: boolean }): Statistics | DetailedStatistics {
    const action = "Cannot read statistics";
    const read = wantsDetail(options, action) ? readDetails : readStatistics;
    const statistics = read(this.#handle);
    if (typeof statistics === "number") this.#memory.refuse(statistics, action);
    return statistics;
  }

  /**
   * Whether fewer bytes than `bytes` can still be allocated, as `stats().available` counts them: a low-water mark to poll, say at each
   * insertion into a cache. Costs some ten nanoseconds while pages that have storage suffice, a question to the file system (under a
   * microsecond) where the pool would grow, and as much as {@linkcode Pool.stats} when little is left.
   *
   * @param bytes The mark. Some MiB above the largest block are right for a growing pool, which takes storage in steps of 2 MiB.
   * @returns Whether it is time to free something.
   * @throws VmemError The pool is closed (EBADF).
   * @throws RangeError `bytes` is no whole number from 0.
   *
   * @example A cache that drops its oldest entries when the pool or its file system runs low
   * ```ts
   * import { assert } from "@std/assert";
   * import { Pool, type Pointer } from "@vmem/vmem";
   *
   * using pool = Pool.create({ maxSize: "16MiB" });
   * const entries = new Map<string, Pointer>(); // in the order of insertion
   * function put(key: string, size: number): Pointer {
   *   for (const [oldest, at] of entries) {
   *     if (!pool.isLow(4 * 2 ** 20)) break;
   *     entries.delete(oldest);
   *     pool.free(at);
   *   }
   *   const at = pool.malloc(size);
   *   entries.set(key, at);
   *   return at;
   * }
   * for (let i = 0; i < 1000; i++) put(`page ${i}`, 100_000);
   * assert(entries.size > 100 && entries.size < 160);
   * assert(entries.has("page 999") && !entries.has("page 0"));
   * ```
   */
  isLow(bytes: number): boolean {
    // Bun takes what is no number for one.
    const result = typeof bytes === "number" ? native.isLow(this.#handle, bytes) : -1;
    if (result >= 0) return result === 1;
    const action = "Cannot tell whether the pool runs low";
    if (!(Number.isSafeInteger(bytes) && bytes >= 0)) {
      throw new RangeError(`${action}: bytes must be a whole number from 0, not ${show(bytes)}`);
    }
    this.#memory.refuse(result, action);
  }

  /**
   * The blocks that are in use, by address: pointers, arrays, structs and their strings alike. For finding what was forgotten. Other
   * threads may go on meanwhile: what lives from beginning to end is found once, what comes or goes may be found or not. Holds
   * the pool for a tenth of a millisecond at a time.
   *
   * @returns The blocks, to be iterated once; the pool must stay open meanwhile.
   * @throws VmemError When it is iterated: the pool is closed (EBADF).
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * const at = pool.malloc(100);
   * pool.alloc(Uint8Array, 5000);
   * const sizes = [...pool.blocks()].map(({ size }) => size);
   * assertEquals(sizes, [112, 5120]);
   * assertEquals([...pool.blocks()][0]?.pointer, at);
   * ```
   */
  blocks(): Generator<LiveBlock, void, undefined> {
    return walkBlocks(this.#memory);
  }

  /**
   * What is in use, by where it was allocated: the blocks of {@linkcode Pool.blocks}, summed up. A pool that was made with `trace: true` knows the
   * places, those in other workers too; of any other, what is in use has no place. Arrays that were forgotten count until they
   * are collected. Holds the pool for a tenth of a millisecond at a time.
   *
   * @returns A row for each place, most bytes first; none when nothing is in use.
   * @throws VmemError The pool is closed (EBADF).
   *
   * @example
   * ```ts
   * import { assertEquals, assertMatch } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create({ trace: true });
   * function forget(): void {
   *   pool.malloc(100);
   * }
   * forget();
   * const [leak] = pool.leaks();
   * assertEquals([leak?.blocks, leak?.bytes, leak?.caller], [1, 112, "forget"]);
   * assertMatch(leak?.site ?? "", /:\d+:\d+$/); // file:line:column
   * pool.reset();
   * assertEquals(pool.leaks(), []);
   * ```
   */
  leaks(): Leak[] {
    return leaksOf(this.#memory);
  }

  /**
   * Reads, sets or does something by jemalloc's names for it (`mallctl`), for this pool; `docs/controls.md` has all of them. Numbers
   * above 2^53 are rounded.
   *
   * @param name For example "stats.allocated"; see {@linkcode Controls}.
   * @param value What to set it to. Without one it is read, or, if it is an action, done.
   * @returns The value; undefined after setting, and of an action.
   * @throws VmemError There is no such name (ENOENT), it cannot be read or set (EPERM), the value is out of range (EFAULT); the pool is
   * closed (EBADF).
   * @throws TypeError or RangeError `name` is no name, `value` no boolean and no whole number.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create({ maxSize: "64MiB" });
   * const allocated: number = pool.ctl("stats.allocated");
   * pool.ctl("arenas.dirty_decay_ms", -1); // never give storage back
   * pool.ctl("thread.tcache.flush");
   * assertEquals([allocated, pool.ctl("arenas.dirty_decay_ms")], [0, -1]);
   * ```
   */
  ctl<N extends keyof Controls>(name: N): Controls[N];
  /** The same for a name that the compiler does not know, and setting. */
  ctl(name: string, value?: number | boolean): ControlValue;
  ctl(name: string, value?: number | boolean): ControlValue {
    return control(this.#memory, name, value);
  }

  /**
   * The pool's numbers as text: totals, arenas, and tables by size class, by jemalloc's names. `docs/stats.md` explains every
   * line. Costs up to a millisecond.
   *
   * @param options Sections to leave out, and whether to write JSON; see {@linkcode StatisticsTextOptions}.
   * @returns Lines, or JSON in which everything under `jemalloc` has the paths of jemalloc's own statistics.
   * @throws VmemError The pool is closed (EBADF).
   * @throws TypeError An option is not as it should be.
   *
   * @example
   * ```ts
   * import { assertEquals, assertStringIncludes } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * pool.malloc(5 * 2 ** 20);
   * assertStringIncludes(pool.statsText({ omit: ["arenas"] }), "Allocated: 5242880");
   * const { jemalloc } = JSON.parse(pool.statsText({ json: true }));
   * assertEquals(jemalloc.stats.allocated, 5 * 2 ** 20);
   * ```
   */
  statsText(options: StatisticsTextOptions = {}): string {
    const action = "Cannot write statistics";
    const text = statisticsText(this.#handle, options, action);
    if (typeof text === "number") this.#memory.refuse(text, action);
    return text;
  }

  /**
   * Draws what is used as text: a map of the pool, where each place stands for some bytes and is the darker the more of them are in use;
   * totals and fragmentation; the size classes. `docs/stats.md` explains it. Takes 0.1 to 0.2 s for a million blocks.
   *
   * @returns Lines of up to 90 columns, at most 60 of them.
   * @throws VmemError The pool is closed (EBADF).
   *
   * @example
   * ```ts
   * import { assertStringIncludes } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create({ size: "2MiB" });
   * pool.mallocMany(1000, 512);
   * assertStringIncludes(pool.occupancy(), "512 KiB in 512 blocks of a pool of 2.00 MiB");
   * ```
   */
  occupancy(): string {
    const action = "Cannot draw the occupancy";
    return text.occupancyText(survey(this.#memory, text.columns * text.rows, action));
  }

  /**
   * The same as a picture: an SVG document for light and dark pages, without references to anything outside, of at most 100 kB whatever
   * the pool's size. Takes 0.1 to 0.2 s for a million blocks.
   *
   * @returns The document.
   * @throws VmemError The pool is closed (EBADF).
   *
   * @example
   * ```ts
   * import { assert } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * pool.mallocMany(100, 10_000);
   * const picture = pool.occupancySvg(); // write it to a file, or serve it as image/svg+xml
   * assert(picture.startsWith("<svg ") && picture.length < 100_000);
   * ```
   */
  occupancySvg(): string {
    const action = "Cannot draw the occupancy";
    return svg.occupancySvg(survey(this.#memory, svg.columns * svg.rows, action));
  }

  /**
   * Checks the pool's bookkeeping from end to end. Other operations on the pool wait meanwhile; costs up to
   * milliseconds for each million blocks.
   *
   * @returns Whether all is consistent.
   * @throws VmemError The pool is closed (EBADF).
   *
   * @example
   * ```ts
   * import { assert } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * assert(pool.check());
   * ```
   */
  check(): boolean {
    return this.#memory.number(native.check(this.#handle), "Cannot check the pool") === 1;
  }

  /**
   * Gives the storage back that no block needs, now. A pool of fixed size keeps all of its storage.
   *
   * @returns Bytes that were given back.
   * @throws VmemError The pool is closed (EBADF).
   *
   * @example
   * ```ts
   * import { assert } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * pool.free(pool.malloc("64MiB"));
   * pool.trim();
   * assert(pool.stats().committed < 64 * 2 ** 20);
   * ```
   */
  trim(): number {
    return this.#memory.number(native.trim(this.#handle), "Cannot trim the pool");
  }

  /**
   * A group of blocks that end together: what is allocated through the scope is freed when the scope ends.
   *
   * @returns The scope. Declare it with `using`, or close it.
   * @throws VmemError The pool is closed (EBADF).
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * {
   *   using scope = pool.scope();
   *   for (let i = 0; i < 100; i++) scope.malloc(64);
   *   scope.alloc(Float64Array, 100);
   * }
   * assertEquals(pool.stats().allocated, 0);
   * ```
   */
  scope(): Scope {
    return new Scope(this, this.#memory);
  }

  /**
   * Frees all blocks at once, those of other workers too, in a time that hardly depends on how many there are. Storage, token,
   * attachments and views stay; arrays of this isolate have length 0 afterwards. Nobody may use a block of before, or
   * allocate and free at the same moment: as with any block that is freed under its user, somebody's data would be lost.
   *
   * @throws VmemError The pool is closed (EBADF). An array of it is in use elsewhere: in a worker, by another attachment in this
   * isolate, or by unfinished input or output (EBUSY); then this isolate's arrays are freed and nothing else is.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Pool } from "@vmem/vmem";
   *
   * using pool = Pool.create();
   * pool.mallocMany(64, 100_000);
   * const array = pool.alloc(Uint8Array, 1000);
   * pool.reset();
   * assertEquals([pool.stats().allocated, array.length], [0, 0]);
   * ```
   */
  reset(): void {
    reset(this.#memory);
  }

  /**
   * Ends the pool: its storage goes back, its arrays and views have length 0, and every method throws, for other workers too.
   * What still uses its memory there (an attachment, an array that was posted, unfinished input or output) reads zeros
   * from now on; an attachment's own views have length 0 from its first call on. Threads that {@linkcode Pool.wait} are woken.
   *
   * An attachment ({@linkcode Pool.attach}) ends alone: its arrays are freed, its views have length 0, its methods throw.
   *
   * A traced pool ({@linkcode PoolOptions.trace}) then tells what was still in use, by where all workers allocated it. An attachment tells
   * nothing: what it leaves may be meant for others.
   *
   * @throws VmemError The pool is closed already (EBADF).
   * @throws unknown What the function given as `trace` throws; the pool is closed.
   *
   * @example
   * ```ts
   * import { assertEquals, assertThrows } from "@std/assert";
   * import { Pool, VmemError } from "@vmem/vmem";
   *
   * const pool = Pool.create();
   * const array = pool.alloc(Uint8Array, 10);
   * pool.close();
   * assertEquals(array.length, 0);
   * assertThrows(() => pool.malloc(1), VmemError, "the pool is closed");
   * ```
   */
  close(): void {
    const status = this.#handle === closedHandle ? -EBADF : this.#end();
    if (status !== 0) this.#memory.refuse(status, "Cannot close the pool");
  }

  /** Closes the pool unless it is closed; throws nothing but what the function given as `trace` throws. What `using` calls. */
  [Symbol.dispose](): void {
    if (this.#handle !== closedHandle) this.#end();
  }

  #end(): number {
    const tell = this.#own ? this.#memory.trace?.atClose() : undefined; // afterwards there are no blocks
    this.#handle = closedHandle;
    const status = this.#memory.end(this.#own);
    tell?.();
    return status;
  }
}
