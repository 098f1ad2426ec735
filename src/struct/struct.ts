/**
 * `struct()`: makes a class whose objects are views of one declaration.
 *
 * @module
 */
import { checkLength } from "../values.ts";
import type { Pool } from "../pool.ts";
import { show } from "../text.ts";
import { declareInC } from "./c.ts";
import { Structs } from "./elements.ts";
import { type Known, type Layout, layOut } from "./layout.ts";
import { addPlainView } from "./plain.ts";
import type { Field, Struct } from "./types.ts";
import { addProperties, type Info, infoOf, key, makeClass, spaceOf, targetOf } from "./view.ts";

/** How a struct is laid out, and what it is called. */
export interface StructOptions {
  /** Without gaps between the fields, as `__attribute__((packed))` in C. */
  packed?: boolean;
  /** Its name in messages and in C. */
  name?: string;
}

/**
 * Declares a struct: a type for pieces of a pool's memory, laid out as the same struct in C.
 *
 * Construct it for a *view* of the struct at a pointer: `new Node(pool, pointer)`; its fields are properties. A view is a
 * name for a place, not the data: any number may be of one struct, and none keeps it alive. `view.move(pointer)`
 * makes it a view of another struct. {@linkcode fields} gives the fields as functions on pointers, which is the fastest.
 *
 * A wrong value throws a TypeError or RangeError and changes nothing. After `pool.free(view)` that view throws a
 * RangeError; other views of the same struct, and pointers to it, reach whatever lies there then, always inside the
 * pool. After the pool was closed views throw a TypeError of the engine. Structs are shared with other threads without
 * any locking.
 *
 * @typeParam F The declaration.
 * @param fields The fields in their order: names like `"u32"`, other structs, {@linkcode array}, {@linkcode pointer},
 * {@linkcode string}, {@linkcode text}. At most 1 MiB in all.
 * @param options Layout and name.
 * @returns The struct.
 * @throws TypeError or RangeError The declaration is not right.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pointer, Pool, struct } from "@vmem/vmem";
 *
 * using pool = Pool.create();
 * const Node = struct({ key: "u32", value: "f64", next: pointer(() => Node) });
 * const head = pool.make(Node, { key: 7, value: 0.5 });
 * head.next = pool.make(Node, { key: 8, value: 1 });
 *
 * let sum = 0;
 * for (let node: typeof head | null = head; node !== null; node = node.next) sum += node.value;
 * assertEquals(sum, 1.5);
 * ```
 */
export function struct<const F extends { readonly [name: string]: Field }>(
  fields: F,
  options: StructOptions = {},
): Struct<F> {
  const { packed, name } = checkOptions(options);
  const layout = layOut(fields, packed, infoOf);
  const made = makeClass(layout.size, name);
  const info: Info = {
    size: layout.size,
    align: layout.align,
    layout,
    name,
    class: made,
    strings: stringsOf(layout),
  };
  const offsets = Object.fromEntries(layout.slots.map(({ name, at }) => [name, at]));
  const statics = {
    fields: Object.freeze({ ...fields }),
    size: layout.size,
    align: layout.align,
    offsets: Object.freeze(offsets),
    array: (pool: Pool, pointer: number, length: number): Structs =>
      structsAt(info, pool, pointer, length),
    c: (as: string = name === "" ? "unnamed" : name): string =>
      declareInC(layout, as, (to) => nameInC(targetOf(to), info, as)),
  };
  for (const [name, value] of Object.entries(statics)) Object.defineProperty(made, name, { value });
  Object.defineProperty(made, key, { value: info });
  for (const slot of layout.slots) addProperties(made.prototype, slot);
  addPlainView(made.prototype, name, layout);
  return made as unknown as Struct<F>;
}

function nameInC(target: Info, self: Info, as: string): string | undefined {
  if (target === self) return as;
  return target.name === "" ? undefined : target.name;
}

function checkOptions(options: StructOptions): Required<StructOptions> {
  const action = "Cannot declare a struct";
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${action}: the options must be an object, not ${show(options)}`);
  }
  const { packed = false, name = "" } = options;
  if (typeof packed !== "boolean") {
    throw new TypeError(`${action}: packed must be true or false, not ${show(packed)}`);
  }
  if (typeof name !== "string" || !/^(?:[A-Za-z_]\w*)?$/.test(name)) {
    throw new TypeError(`${action}: the name must be one that C allows, not ${show(name)}`);
  }
  return { packed, name };
}

/** Views of structs that lie one after the other. */
function structsAt(info: Info, pool: Pool, pointer: number, length: number): Structs {
  const action = "Cannot make views";
  checkLength(length, "length", action);
  const window = spaceOf(pool, action).aim(pointer, info.size * length, action);
  return new Structs(window, pointer - window.start, info.class, length, info.name || "array");
}

/** Where owned strings are, those of nested structs and arrays too. */
function stringsOf(layout: Layout): number[] {
  return layout.slots.flatMap(({ type, at }) => stringsIn(type).map((each) => at + each));
}

function stringsIn(type: Known): number[] {
  if (type.kind === "string") return [0];
  if (type.kind === "struct") return stringsOf(type.of.layout);
  if (type.kind !== "array") return [];
  const each = stringsIn(type.of);
  return Array.from({ length: each.length === 0 ? 0 : type.length }, (_, i) => i * type.stride)
    .flatMap((at) => each.map((string) => at + string));
}
