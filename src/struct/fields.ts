/**
 * `fields()`: a struct's fields as functions on pointers, the fastest way to them. Numbers and pointers have functions made
 * for them (generate.ts); the others look for the window of a pointer and leave the rest to a codec.
 *
 * @module
 */
import * as native from "../native.ts";
import { closedHandle } from "../memory.ts";
import type { Pool } from "../pool.ts";
import { show } from "../text.ts";
import { type Codec, codecOf, pointers } from "./codecs.ts";
import { checkIndex } from "./elements.ts";
import { generate, type Pair, type Renew } from "./generate.ts";
import { type Known, measure, type Slot } from "./layout.ts";
import type { Space } from "./space.ts";
import type { FieldFunctions, Struct } from "./types.ts";
import { FarField, type FieldWindow, NearField } from "./window.ts";
import { type Info, infoOf, spaceOf, targetClass } from "./view.ts";

type Functions = Record<string, unknown>;

/**
 * The fields of a struct in a pool as functions on pointers: for `value` the functions `value(pointer)` and
 * `setValue(pointer, value)`. Pointers are numbers here, 0 is null; nested structs and arrays of structs give the pointer to
 * the part; elements of arrays are reached by `values(pointer, index)` and `setValues(pointer, index, value)`.
 *
 * They do what views do, without an object: nothing is allocated, whatever the engine makes of the program around.
 * They are made of source text at the first call for a struct and a pool, which takes a while; keep them. Where a program may not
 * make code of text, slower ones do the same.
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
  const { functions } = memory.space;
  let made = functions.get(info) as Functions | undefined;
  if (made === undefined) functions.set(info, made = makeFunctions(info, memory.space, action));
  return { ...made } as FieldFunctions<F>;
}

function makeFunctions(info: Info, space: Space, action: string): Functions {
  const { size } = info;
  let window = space.window;

  /** Where the struct at a pointer begins in `window`, which is the one for it from now on. */
  function place(pointer: number): number {
    const { start, low, limit } = window;
    const offset = pointer - start | 0;
    if (offset + start === pointer && offset >= low && offset <= limit - size) return offset;
    window = space.aim(pointer, size, "Cannot reach a struct");
    return pointer - window.start | 0;
  }

  /** A field that is read and written by a codec. */
  function coded<V>({ read, write }: Codec<V>, at: number, slot: Slot): Pair<V> {
    return [
      (pointer) => {
        const offset = place(pointer);
        return read(window, offset + at, slot);
      },
      (pointer, value) => {
        const offset = place(pointer);
        write(window, offset + at, value, slot);
      },
    ];
  }

  /** A number or a pointer; in the first window by functions of its own. */
  function generated(codec: Codec<unknown>, slot: Slot): Pair<unknown> {
    const { at, type } = slot;
    const width = measure(type).size;
    const slow = coded(codec, at, slot);
    let known = space.near();
    if (known === undefined) return slow;
    let field: FieldWindow = new NearField(known, at, width, size);
    const renew: Renew = (error, pointer) => {
      // The window is detached: the pool was closed, or somebody moved the buffer away.
      if (error instanceof TypeError) {
        if (space.memory.handle === closedHandle) throw error;
        space.dropMoved();
      }
      const there = window = space.aim(pointer, size, "Cannot reach a struct");
      const near = space.near();
      if (there !== near) field = new FarField(there, at, size);
      else if (near !== known) field = new NearField(near, at, width, size);
      known = near;
      return field;
    };
    return generate(type, field, renew, slow) ?? slow;
  }

  function part(at: number): (pointer: number) => number {
    return (pointer) => {
      place(pointer);
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
        const offset = place(pointer);
        checkIndex(index, length, name);
        return read(window, offset + at + index * stride, slot);
      },
      (pointer: number, index: number, value: unknown): void => {
        const offset = place(pointer);
        checkIndex(index, length, name);
        write(window, offset + at + index * stride, value, slot);
      },
    ];
  }

  function functionsOf(slot: Slot): readonly unknown[] {
    const { type, at } = slot;
    switch (type.kind) {
      case "scalar":
        return generated(codecOf(type, targetClass), slot);
      case "pointer":
        return generated(pointers as Codec<unknown>, slot);
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
