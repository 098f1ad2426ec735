/**
 * Memory pools on files, for Deno and Bun: allocate typed arrays and small blocks outside the JavaScript heap, on
 * a file system of your choice.
 *
 * @example
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
 * @module
 */
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
export type { LiveBlock } from "./src/blocks_walk.ts";
export type { Controls, ControlValue } from "./src/controls.ts";
export type { AllocateOptions, PoolOptions, RegionOptions } from "./src/options.ts";
export type { Pointer, Pointers } from "./src/pointer.ts";
export { Pool } from "./src/pool.ts";
export { Scope } from "./src/scope.ts";
export type { Size } from "./src/size.ts";
export type {
  ArenaStatistics,
  ClassStatistics,
  DetailedStatistics,
  Statistics,
  StatisticsSection,
  StatisticsTextOptions,
} from "./src/statistics.ts";
export { array, pointer, string, text } from "./src/struct/declare.ts";
export { fields } from "./src/struct/fields.ts";
export { struct, type StructOptions } from "./src/struct/struct.ts";
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
