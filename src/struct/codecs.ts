/**
 * Reading and writing a field of any type by one pair of functions: for the elements of arrays and for what
 * fills a new struct. Properties and field functions of numbers have their own, faster ones.
 *
 * @module
 */
import type { Known, ScalarName, Slot } from "./layout.ts";
import { follow, pointTo, readPointer, type ViewClass, writePointer } from "./pointers.ts";
import type { Scalars } from "./types.ts";
import * as scalars from "./scalars.ts";
import { readString, readText, writeString, writeText } from "./text.ts";
import type { Placed, Window } from "./window.ts";

/** How a value is read and written. */
export interface Codec<V> {
  read(window: Window, at: number, slot: Slot): V;
  write(window: Window, at: number, value: V, slot: Slot): void;
}

const numbers: { readonly [K in ScalarName]: Codec<Scalars[K]> } = {
  u8: { read: scalars.readU8, write: scalars.writeU8 },
  i8: { read: scalars.readI8, write: scalars.writeI8 },
  u16: { read: scalars.readU16, write: scalars.writeU16 },
  i16: { read: scalars.readI16, write: scalars.writeI16 },
  u32: { read: scalars.readU32, write: scalars.writeU32 },
  i32: { read: scalars.readI32, write: scalars.writeI32 },
  f16: { read: scalars.readF16, write: scalars.writeF16 },
  f32: { read: scalars.readF32, write: scalars.writeF32 },
  f64: { read: scalars.readF64, write: scalars.writeF64 },
  u64: { read: scalars.readU64, write: scalars.writeU64 },
  i64: { read: scalars.readI64, write: scalars.writeI64 },
  size: { read: scalars.readSize, write: scalars.writeSize },
  bool: { read: scalars.readBool, write: scalars.writeBool },
};

const strings: Codec<string | null> = { read: readString, write: writeString };

/** Pointers as numbers. */
export const pointers: Codec<number> = { read: readPointer, write: writePointer };

/** The codec of a type that is no struct and no array. `target`: the class that a pointer goes to. */
export function codecOf(type: Known, target: (to: () => unknown) => ViewClass): Codec<unknown> {
  switch (type.kind) {
    case "scalar":
      return numbers[type.scalar] as Codec<unknown>;
    case "string":
      return strings as Codec<unknown>;
    case "text":
      return textCodec(type.bytes) as Codec<unknown>;
    case "pointer":
      return (type.to === undefined ? pointers : viewCodec(type.to, target)) as Codec<unknown>;
    case "struct":
    case "array":
      throw new TypeError(`A field of kind ${type.kind} has no value of its own`);
  }
}

function textCodec(bytes: number): Codec<string> {
  return {
    read: (window, at) => readText(window, at, bytes),
    write: (window, at, value, slot) => writeText(window, at, bytes, value, slot),
  };
}

function viewCodec(
  to: () => unknown,
  target: (to: () => unknown) => ViewClass,
): Codec<Placed | null> {
  let known: ViewClass | undefined;
  return {
    read(window, at, slot): Placed | null {
      known ??= target(to);
      return follow(window, at, known, known.size, slot);
    },
    write(window, at, value, slot): void {
      pointTo(window, at, value, known ??= target(to), slot);
    },
  };
}
