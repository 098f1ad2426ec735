/**
 * Memory pools on files, for Deno, Bun and Node: arrays, small blocks, structs and columns outside the JavaScript heap, on a
 * file system of your choice, shared by workers.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Pool } from "@vmem/vmem";
 *
 * using pool = Pool.create({ maxSize: "1GiB" });
 * const numbers = pool.alloc(Float64Array, 1_000_000);
 * numbers[0] = 1;
 * const more = pool.resize(numbers, 2_000_000);
 * assertEquals(more[0], 1);
 * pool.free(more);
 * ```
 *
 * What is not freed stays until the pool is closed, best by `using`.
 *
 * ## Pools
 *
 * {@linkcode Pool.create} makes one, in a directory or on a device ({@linkcode PoolOptions}), {@linkcode Pool.inRegion} one in memory
 * that is there already, and {@linkcode Pool.attach} joins one of another worker by its {@linkcode PoolToken}. A {@linkcode Scope}
 * frees at its end what was allocated through it.
 *
 * ## What is in them
 *
 * {@linkcode Pool.prototype.alloc pool.alloc} gives large arrays, {@linkcode Pool.prototype.malloc pool.malloc} a {@linkcode Pointer} to a small block,
 * {@linkcode Pool.prototype.columns pool.columns} a struct of arrays.
 *
 * ## Structs
 *
 * {@linkcode struct} declares records in C's layout, {@linkcode pointer}, {@linkcode array}, {@linkcode string} and {@linkcode text}
 * are fields of them. {@linkcode Pool.prototype.make pool.make} allocates one, {@linkcode fields} gives functions for pointers.
 *
 * ## Other programs
 *
 * `@vmem/vmem/vmmalloc` makes the environment of a child whose malloc takes its memory from a pool.
 *
 * ## When something is wrong
 *
 * {@linkcode OutOfMemoryError} and other {@linkcode VmemError}s are about memory, {@linkcode LibraryError} is about the native library,
 * which {@linkcode setLibrary} names. {@linkcode Pool.prototype.stats pool.stats} tells what is in use ({@linkcode Statistics}),
 * {@linkcode Pool.prototype.leaks pool.leaks} where that was allocated, and {@linkcode Pool.prototype.occupancy pool.occupancy} draws it.
 *
 * @module
 */
// What most programs begin with comes first: the API's pages have the same order.
export { Pool } from "./src/pool.ts";
export { struct, type StructOptions } from "./src/struct/struct.ts";
export { array, pointer, string, text } from "./src/struct/declare.ts";
export { fields } from "./src/struct/fields.ts";
export { Scope } from "./src/scope.ts";
export type {
  AnyColumns,
  ArrayType,
  ColumnArrays,
  Columns,
  ColumnType,
  TypedArray,
} from "./src/array.ts";
export { errormsg, LibraryError, OutOfMemoryError, VmemError } from "./src/errors.ts";
export { setLibrary } from "./src/library.ts";
export type { Leak, LeakListener } from "./src/leaks.ts";
export type { LiveBlock } from "./src/blocks_walk.ts";
export type { Controls, ControlValue } from "./src/controls.ts";
export type { AllocateOptions, PoolOptions, RegionOptions } from "./src/options.ts";
export type { Pointer, Pointers } from "./src/pointer.ts";
export type { Size } from "./src/size.ts";
export type {
  ArenaStatistics,
  ClassStatistics,
  DetailedStatistics,
  Statistics,
  StatisticsSection,
  StatisticsTextOptions,
} from "./src/statistics.ts";
export type {
  AnyStruct,
  ArrayOf,
  Elements,
  ElementsOf,
  Field,
  FieldFunctions,
  FieldGetter,
  FieldSetter,
  FollowedField,
  Init,
  InitOf,
  InlineField,
  NumberOr,
  PlaceField,
  PointerTo,
  Scalars,
  StringField,
  Struct,
  StructElements,
  TextField,
  ValueOf,
  View,
  ViewMembers,
} from "./src/struct/types.ts";
export type { PoolToken } from "./src/token.ts";
export { checkVersion } from "./src/version.ts";
export type { WaitOptions } from "./src/waiting.ts";
