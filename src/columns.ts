/**
 * Columns: a struct of arrays in one block. One ArrayBuffer is exactly the block, and each column is a typed array over a
 * part of it that begins on a cache line, so that scans of one column touch nothing else and vector instructions find it
 * aligned.
 *
 * What `columns` gives is a plain frozen object with nothing in it but the columns, so that no name of a column can clash
 * with a method; resizing and freeing are the pool's methods, as for arrays.
 *
 * @module
 */
import type { AnyColumns, ArrayType, ColumnArrays, ColumnType } from "./array.ts";
import { pointerOf } from "./arrays.ts";
import { allocateArray, type Block, detachArray, resizeArray } from "./blocks.ts";
import type { Memory } from "./memory.ts";
import * as native from "./native.ts";
import type { Pointer } from "./pointer.ts";
import { show, showBytes } from "./text.ts";
import { checkLength } from "./values.ts";

/** Bytes of a cache line. */
const alignment = 64;

const { Float16Array } = globalThis as { Float16Array?: ArrayType<ColumnArrays["f16"]> };

/** A runtime may lack one. */
const classes: Readonly<Record<ColumnType, Class | undefined>> = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  u64: BigUint64Array,
  i64: BigInt64Array,
  f16: Float16Array,
  f32: Float32Array,
  f64: Float64Array,
};

type Class = ArrayType<ColumnArrays[ColumnType]>;
type Column = readonly [name: string, type: Class];

/** Where the columns are, from the block's start, and the bytes of all. */
interface Layout {
  readonly offsets: readonly number[];
  readonly bytes: number;
}

/** What is known of columns that were handed out. */
export interface Book {
  readonly columns: readonly Column[];
  readonly length: number;
  readonly layout: Layout;
  /** The whole block. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Where an object of columns has its book: not enumerable, so that a copy of the object has none. */
const bookKey = Symbol("columns");

export function makeColumns(memory: Memory, types: unknown, length: number): AnyColumns {
  const action = "Cannot allocate columns";
  const columns = checkColumns(types, action);
  const layout = layOut(columns, length, action);
  const made = allocateArray(memory.handle, layout.bytes, action, alignment);
  if (typeof made === "number") memory.refuse(made, `${action} of ${showBytes(layout.bytes)}`);
  return handOut(memory, columns, length, layout, made);
}

/** Columns in their order, with the classes of their arrays. */
function checkColumns(types: unknown, action: string): Column[] {
  if (typeof types !== "object" || types === null || Array.isArray(types)) {
    throw new TypeError(
      `${action}: the columns must be an object like { id: "u32" }, not ${show(types)}`,
    );
  }
  const entries = Object.entries(types);
  if (entries.length === 0) throw new RangeError(`${action}: there must be at least one column`);
  return entries.map(([name, type]: [string, unknown]) => [name, classOf(name, type, action)]);
}

function classOf(name: string, type: unknown, action: string): Class {
  if (typeof type !== "string" || !Object.hasOwn(classes, type)) {
    const known = Object.keys(classes).join(", ");
    throw new TypeError(
      `${action}: the type of column ${show(name)} must be one of ${known}, not ${show(type)}`,
    );
  }
  const found = classes[type as ColumnType];
  if (found !== undefined) return found;
  throw new TypeError(`${action}: this runtime has no Float16Array for column ${show(name)}`);
}

function layOut(columns: readonly Column[], length: number, action: string): Layout {
  checkLength(length, "length", action);
  const offsets: number[] = [];
  let bytes = 0;
  for (const [, type] of columns) {
    const offset = Math.ceil(bytes / alignment) * alignment;
    offsets.push(offset);
    bytes = offset + length * type.BYTES_PER_ELEMENT;
  }
  if (bytes <= Number.MAX_SAFE_INTEGER) return { offsets, bytes };
  throw new RangeError(`${action}: ${showBytes(bytes)} are more than 2^53 - 1`);
}

function handOut(
  memory: Memory,
  columns: readonly Column[],
  length: number,
  layout: Layout,
  { pointer, buffer }: Block,
): AnyColumns {
  memory.arrays.add(pointer, buffer);
  const arrays = columns.map(([name, type], index) =>
    [name, new type(buffer, layout.offsets[index], length)] as const
  );
  const handed = Object.fromEntries(arrays);
  const book: Book = { columns, length, layout, bytes: new Uint8Array(buffer) };
  Object.defineProperty(handed, bookKey, { value: book });
  return Object.freeze(handed) as unknown as AnyColumns;
}

/** What is known of a value if it is what `columns` of some pool gave. */
export function bookOf(value: unknown): Book | undefined {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return undefined;
  return (value as { readonly [bookKey]?: Book })[bookKey];
}

export function freeColumns(memory: Memory, { bytes }: Book): void {
  const pointer = pointerOf(memory, bytes, "Cannot free columns");
  detachArray(bytes.buffer);
  memory.arrays.delete(pointer);
}

export function resizeColumns(memory: Memory, book: Book, length: number): AnyColumns {
  const action = "Cannot resize columns";
  const pointer = pointerOf(memory, book.bytes, action);
  const layout = layOut(book.columns, length, action);
  const made = resizeArray(memory.handle, book.bytes, pointer, layout.bytes, action, {
    alignment,
    move: (to, from) => move(memory.handle, book, length, layout, to, from),
  });
  if (typeof made === "number") memory.refuse(made, `${action} to ${showBytes(layout.bytes)}`);
  memory.arrays.delete(pointer);
  return handOut(memory, book.columns, length, layout, made);
}

/**
 * Brings the elements to where they are in the new layout. In place, a column may only go where nothing is that has not
 * moved yet: the last one first when they become longer, the first one first when they become shorter.
 */
function move(
  handle: number,
  book: Book,
  length: number,
  layout: Layout,
  to: Pointer,
  from: Pointer,
): void {
  const { columns } = book;
  const grows = length > book.length;
  for (let step = 0; step < columns.length; step++) {
    const index = grows ? columns.length - 1 - step : step;
    const size = columns[index]?.[1].BYTES_PER_ELEMENT ?? 0;
    const place = to + (layout.offsets[index] ?? 0);
    const kept = Math.min(length, book.length) * size;
    native.copy(handle, place, handle, from + (book.layout.offsets[index] ?? 0), kept);
    // A new block is all zeros.
    if (to === from) native.fillByte(handle, place + kept, length * size - kept, 0);
  }
}
