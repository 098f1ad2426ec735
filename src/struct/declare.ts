/**
 * What fields are declared with, besides the names of the number types.
 *
 * @module
 */
import { show, showBytes } from "../text.ts";
import type { ArrayOf, Field, PointerTo, StringField, TextField } from "./types.ts";

/**
 * Bytes of the largest struct: windows of a pool overlap by this, so that a struct which begins in one lies in it whole.
 */
export const sizeMax: number = 2 ** 20;

/**
 * A field that holds a pointer of no type: a number, 0 is null. In C a `void *`.
 *
 * @returns The field.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pointer, Pool, struct } from "@vmem/vmem";
 *
 * using pool = Pool.create();
 * const Bytes = struct({ data: pointer(), length: "size" });
 * const bytes = pool.make(Bytes, { data: pool.malloc(100), length: 100 });
 * assertEquals(pool.usableSize(bytes.data), 112);
 * ```
 */
export function pointer(): PointerTo<undefined>;
/**
 * A field that holds the address of a struct. It reads as a new view, or null; never as the same view twice. Its
 * pointer, a number, is the property with `$` before the name.
 *
 * @typeParam T The function.
 * @param to Gives the struct; a function, so that a struct can point to itself and to those declared after it.
 * @returns The field.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pointer, Pool, struct } from "@vmem/vmem";
 *
 * using pool = Pool.create();
 * const Node = struct({ key: "u32", next: pointer(() => Node) });
 * const last = pool.make(Node, { key: 2 });
 * const head = pool.make(Node, { key: 1, next: last });
 * assertEquals(head.next?.key, 2);
 * assertEquals(head.$next, last.$pointer);
 * assertEquals(last.next, null);
 * ```
 */
// deno-lint-ignore no-explicit-any -- see types.ts: a result that need not be inferred yet
export function pointer<T extends () => any>(to: T): PointerTo<T>;
export function pointer(to?: () => unknown): PointerTo<(() => unknown) | undefined> {
  if (to !== undefined && typeof to !== "function") {
    throw new TypeError(
      `Cannot declare a pointer: it takes a function like () => Node, not ${show(to)}`,
    );
  }
  return { kind: "pointer", to };
}

/**
 * A field with room for a fixed number of elements, as `double values[16]` in C.
 *
 * @typeParam E The elements' type.
 * @param of What each element is: anything but another array.
 * @param length Elements, a whole number from 1.
 * @returns The field.
 * @throws TypeError or RangeError `length` is no length.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { array, Pool, struct } from "@vmem/vmem";
 *
 * using pool = Pool.create();
 * const Matrix = struct({ cells: array("f64", 16) });
 * const matrix = pool.make(Matrix);
 * matrix.cells.set(15, 0.5);
 * assertEquals([matrix.cells.get(15), matrix.cells.length, Matrix.size], [0.5, 16, 128]);
 * ```
 */
export function array<const E extends Field>(of: E, length: number): ArrayOf<E> {
  return { kind: "array", of, length: count(length, "an array", "length") };
}

/**
 * A field with room for text, as `char label[32]` in C: UTF-8, with zero bytes behind it if it is shorter. A text that
 * does not fit throws.
 *
 * @param bytes Most bytes of the text, a whole number from 1.
 * @returns The field.
 * @throws TypeError or RangeError `bytes` is no length.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { Pool, struct, text } from "@vmem/vmem";
 *
 * using pool = Pool.create();
 * const City = struct({ code: text(3) });
 * const city = pool.make(City, { code: "ZRH" });
 * assertThrows(() => city.code = "Zurich", RangeError);
 * assertEquals(city.code, "ZRH");
 * ```
 */
export function text(bytes: number): TextField {
  return { kind: "text", bytes: count(bytes, "text", "number of bytes") };
}

/**
 * A field for text of any length, which lies in a block of its own. The struct owns that block: setting the field
 * allocates a new one and frees the old one, `pool.free(view)` frees it with the struct. It reads as null before it
 * was set. In memory that `pool.make` did not give, put zeros there first (`pool.calloc`): whatever is there is taken for
 * an old text. In memory it is the address of the bytes' number (`uint32_t`), followed by the bytes and a zero byte.
 *
 * @returns The field.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Pool, string, struct } from "@vmem/vmem";
 *
 * using pool = Pool.create();
 * const Person = struct({ name: string() });
 * const person = pool.make(Person, { name: "Ada" });
 * person.name = "Ada, Countess of Lovelace";
 * pool.free(person);
 * assertEquals(pool.stats().allocated, 0);
 * ```
 */
export function string(): StringField {
  return { kind: "string" };
}

function count(value: unknown, what: string, name: string): number {
  const action = `Cannot declare ${what}`;
  if (typeof value !== "number") {
    throw new TypeError(`${action}: the ${name} must be a number, not ${show(value)}`);
  }
  if (!Number.isSafeInteger(value) || value < 1 || value > sizeMax) {
    throw new RangeError(
      `${action}: the ${name} must be a whole number from 1, for at most ${showBytes(sizeMax)}, ` +
        `not ${show(value)}`,
    );
  }
  return value;
}
