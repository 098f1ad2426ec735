// Longer than 300 lines: a pair of function literals for each number type, alike by measurement.
/**
 * `fields()`: a struct's fields as functions on pointers, the fastest way to them.
 *
 * All functions of one call share a variable with the window that was used last, and read its bounds from it: with a
 * variable for each of the bounds, JavaScriptCore took 3.9 ns for a field instead of 1.5. One literal a type, for the reason
 * in accessors.ts, and the search for the window written out in each: as one function for all of them, two fields set took
 * 10.0 ns instead of 6.4 there, and V8 3.3 instead of 2.8 for a field.
 *
 * @module
 */
import * as native from "../native.ts";
import type { Pool } from "../pool.ts";
import { show } from "../text.ts";
import { type Codec, codecOf, pointers } from "./codecs.ts";
import { checkIndex } from "./elements.ts";
import type { Known, ScalarName, Slot } from "./layout.ts";
import { readPointer, writePointer } from "./pointers.ts";
import {
  checkBool,
  checkF16,
  checkF32,
  checkF64,
  checkI16,
  checkI32,
  checkI64,
  checkI8,
  checkU16,
  checkU32,
  checkU64,
  checkU8,
  readSize,
  writeSize,
} from "./scalars.ts";
import type { FieldFunctions, Scalars, Struct } from "./types.ts";
import type { Window } from "./window.ts";
import { type Info, infoOf, spaceOf, targetClass } from "./view.ts";

type Getter<V> = (pointer: number) => V;
type Setter<V> = (pointer: number, value: V) => void;
type Pair<V> = readonly [Getter<V>, Setter<V>];
type Makers = { readonly [K in ScalarName]: (at: number, slot: Slot) => Pair<Scalars[K]> };
type Functions = Record<string, unknown>;

/**
 * The fields of a struct in a pool as functions on pointers: for `value` the functions `value(pointer)` and
 * `setValue(pointer, value)`. Pointers are numbers here, 0 is null; nested structs and arrays of structs give the pointer to
 * the part; elements of arrays are reached by `values(pointer, index)` and `setValues(pointer, index, value)`.
 *
 * They do what views do, without an object: nothing is allocated, whatever the engine makes of the program around.
 * Make them once, not in a loop.
 *
 * @typeParam F The declaration.
 * @param type The struct.
 * @param pool The pool that the pointers are of.
 * @returns The functions. They throw as the properties of views do, and also for a null pointer (TypeError) and one that
 * does not lie in the pool (RangeError).
 * @throws VmemError The pool is closed (EBADF).
 * @throws TypeError It is no struct or no pool, or a field's name is that of another's setter.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { fields, pointer, Pool, struct } from "@vmem/vmem";
 *
 * using pool = Pool.create();
 * const Node = struct({ value: "f64", next: pointer(() => Node) });
 * const { value, setValue, next, setNext } = fields(Node, pool);
 *
 * let head = 0;
 * for (let i = 1; i <= 3; i += 1) {
 *   const node = pool.malloc(Node.size);
 *   setValue(node, i);
 *   setNext(node, head);
 *   head = node;
 * }
 * let sum = 0;
 * for (let node = head; node !== 0; node = next(node)) sum += value(node);
 * assertEquals(sum, 6);
 * ```
 */
export function fields<F>(type: Struct<F>, pool: Pool): FieldFunctions<F> {
  const action = "Cannot make field functions";
  const info = infoOf(type);
  if (info === undefined) throw new TypeError(`${action}: ${show(type)} is not a struct`);
  const { memory } = spaceOf(pool, action);
  memory.number(native.size(memory.handle), action);
  return makeFunctions(info, pool, action) as FieldFunctions<F>;
}

function makeFunctions(info: Info, pool: Pool, action: string): Functions {
  const { size } = info;
  const space = spaceOf(pool, action);
  let window = space.window;

  /** The window of a pointer, from now on the one that is tried first. */
  function aim(pointer: number): Window {
    return window = space.aim(pointer, size, "Cannot reach a struct");
  }

  const makers: Makers = {
    u8: (at, slot) => [
      (pointer) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        return there.getUint8(offset + at);
      },
      (pointer, value) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        checkU8(value, slot);
        there.setUint8(offset + at, value);
      },
    ],
    i8: (at, slot) => [
      (pointer) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        return there.getInt8(offset + at);
      },
      (pointer, value) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        checkI8(value, slot);
        there.setInt8(offset + at, value);
      },
    ],
    u16: (at, slot) => [
      (pointer) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        return there.getUint16(offset + at, true);
      },
      (pointer, value) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        checkU16(value, slot);
        there.setUint16(offset + at, value, true);
      },
    ],
    i16: (at, slot) => [
      (pointer) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        return there.getInt16(offset + at, true);
      },
      (pointer, value) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        checkI16(value, slot);
        there.setInt16(offset + at, value, true);
      },
    ],
    u32: (at, slot) => [
      (pointer) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        return there.getUint32(offset + at, true);
      },
      (pointer, value) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        checkU32(value, slot);
        there.setUint32(offset + at, value, true);
      },
    ],
    i32: (at, slot) => [
      (pointer) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        return there.getInt32(offset + at, true);
      },
      (pointer, value) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        checkI32(value, slot);
        there.setInt32(offset + at, value, true);
      },
    ],
    f16: (at, slot) => [
      (pointer) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        return there.getFloat16(offset + at, true);
      },
      (pointer, value) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        checkF16(value, slot);
        there.setFloat16(offset + at, value, true);
      },
    ],
    f32: (at, slot) => [
      (pointer) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        return there.getFloat32(offset + at, true);
      },
      (pointer, value) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        checkF32(value, slot);
        there.setFloat32(offset + at, value, true);
      },
    ],
    f64: (at, slot) => [
      (pointer) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        return there.getFloat64(offset + at, true);
      },
      (pointer, value) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        checkF64(value, slot);
        there.setFloat64(offset + at, value, true);
      },
    ],
    u64: (at, slot) => [
      (pointer) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        return there.getBigUint64(offset + at, true);
      },
      (pointer, value) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        checkU64(value, slot);
        there.setBigUint64(offset + at, value, true);
      },
    ],
    i64: (at, slot) => [
      (pointer) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        return there.getBigInt64(offset + at, true);
      },
      (pointer, value) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        checkI64(value, slot);
        there.setBigInt64(offset + at, value, true);
      },
    ],
    size: (at, slot) => [
      (pointer) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        return readSize(there, offset + at, slot);
      },
      (pointer, value) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        writeSize(there, offset + at, value, slot);
      },
    ],
    bool: (at, slot) => [
      (pointer) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        return there.getUint8(offset + at) !== 0;
      },
      (pointer, value) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        checkBool(value, slot);
        there.setUint8(offset + at, value ? 1 : 0);
      },
    ],
  };

  /** A field that is read and written by a codec. */
  function coded<V>({ read, write }: Codec<V>, at: number, slot: Slot): Pair<V> {
    return [
      (pointer) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        return read(there, offset + at, slot);
      },
      (pointer, value) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        write(there, offset + at, value, slot);
      },
    ];
  }

  function pointerPair(at: number, slot: Slot): Pair<number> {
    return [
      (pointer) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        const place = offset + at;
        const address = there.getInt32(place, true);
        if (address > 0 && there.getInt32(place + 4, true) === there.high) {
          return there.origin + address;
        }
        return readPointer(there, place, slot);
      },
      (pointer, value) => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        writePointer(there, offset + at, value, slot);
      },
    ];
  }

  function part(at: number): Getter<number> {
    return (pointer) => {
      const { start, low, limit } = window;
      const offset = pointer - start | 0;
      if (offset + start !== pointer || offset < low || offset > limit - size) aim(pointer);
      return pointer + at;
    };
  }

  function elements(type: Known & { kind: "array" }, at: number, slot: Slot): readonly unknown[] {
    const { of, length, stride } = type;
    const { name } = slot;
    if (of.kind === "struct") {
      const first = part(at);
      return [(pointer: number, index: number): number => {
        checkIndex(index, length, name);
        return first(pointer) + index * stride;
      }];
    }
    const { read, write } = of.kind === "pointer"
      ? pointers as Codec<unknown>
      : codecOf(of, targetClass);
    return [
      (pointer: number, index: number): unknown => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        checkIndex(index, length, name);
        return read(there, offset + at + index * stride, slot);
      },
      (pointer: number, index: number, value: unknown): void => {
        let there = window;
        let offset = pointer - there.start | 0;
        if (
          offset + there.start !== pointer || offset < there.low || offset > there.limit - size
        ) {
          there = aim(pointer);
          offset = pointer - there.start | 0;
        }
        checkIndex(index, length, name);
        write(there, offset + at + index * stride, value, slot);
      },
    ];
  }

  function functionsOf(slot: Slot): readonly unknown[] {
    const { type, at } = slot;
    switch (type.kind) {
      case "scalar":
        return makers[type.scalar](at, slot);
      case "pointer":
        return pointerPair(at, slot);
      case "struct":
        return [part(at)];
      case "array":
        return elements(type, at, slot);
      case "string":
      case "text":
        return coded(codecOf(type, targetClass), at, slot);
    }
  }

  const made: Functions = {};
  for (const slot of info.layout.slots) {
    const [getter, setter] = functionsOf(slot);
    add(made, slot.name, getter, action);
    if (setter !== undefined) add(made, setterName(slot.name), setter, action);
  }
  return made;
}

function setterName(name: string): string {
  const first = String.fromCodePoint(name.codePointAt(0) ?? 0);
  return `set${first.toUpperCase()}${name.slice(first.length)}`;
}

function add(made: Functions, name: string, value: unknown, action: string): void {
  if (Object.hasOwn(made, name)) {
    throw new TypeError(`${action}: "${name}" would be a field and the setter of another`);
  }
  made[name] = value;
}
