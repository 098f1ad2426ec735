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
  u8: {
    read: (window, at) => window.getUint8(at),
    write(window, at, value, slot): void {
      scalars.checkU8(value, slot);
      window.setUint8(at, value);
    },
  },
  i8: {
    read: (window, at) => window.getInt8(at),
    write(window, at, value, slot): void {
      scalars.checkI8(value, slot);
      window.setInt8(at, value);
    },
  },
  u16: {
    read: (window, at) => window.getUint16(at, true),
    write(window, at, value, slot): void {
      scalars.checkU16(value, slot);
      window.setUint16(at, value, true);
    },
  },
  i16: {
    read: (window, at) => window.getInt16(at, true),
    write(window, at, value, slot): void {
      scalars.checkI16(value, slot);
      window.setInt16(at, value, true);
    },
  },
  u32: {
    read: (window, at) => window.getUint32(at, true),
    write(window, at, value, slot): void {
      scalars.checkU32(value, slot);
      window.setUint32(at, value, true);
    },
  },
  i32: {
    read: (window, at) => window.getInt32(at, true),
    write(window, at, value, slot): void {
      scalars.checkI32(value, slot);
      window.setInt32(at, value, true);
    },
  },
  f16: {
    read: (window, at) => window.getFloat16(at, true),
    write(window, at, value, slot): void {
      scalars.checkF16(value, slot);
      window.setFloat16(at, value, true);
    },
  },
  f32: {
    read: (window, at) => window.getFloat32(at, true),
    write(window, at, value, slot): void {
      scalars.checkF32(value, slot);
      window.setFloat32(at, value, true);
    },
  },
  f64: {
    read: (window, at) => window.getFloat64(at, true),
    write(window, at, value, slot): void {
      scalars.checkF64(value, slot);
      window.setFloat64(at, value, true);
    },
  },
  u64: {
    read: (window, at) => window.getBigUint64(at, true),
    write(window, at, value, slot): void {
      scalars.checkU64(value, slot);
      window.setBigUint64(at, value, true);
    },
  },
  i64: {
    read: (window, at) => window.getBigInt64(at, true),
    write(window, at, value, slot): void {
      scalars.checkI64(value, slot);
      window.setBigInt64(at, value, true);
    },
  },
  size: { read: scalars.readSize, write: scalars.writeSize },
  bool: {
    read: (window, at) => window.getUint8(at) !== 0,
    write(window, at, value, slot): void {
      scalars.checkBool(value, slot);
      window.setUint8(at, value ? 1 : 0);
    },
  },
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
