/**
 * Where the fields of a struct lie: the rules of C on 64-bit systems (System V), or packed.
 *
 * @module
 */
import { show, showBytes } from "../text.ts";
import { array, pointer, sizeMax, string, text } from "./declare.ts";
import type { ArrayOf, PointerTo, Scalars, StringField, TextField } from "./types.ts";

/** The name of a number type. */
export type ScalarName = keyof Scalars;

/** A struct as a field's type, as far as its layout goes. */
export interface StructType {
  readonly size: number;
  readonly align: number;
  readonly layout: Layout;
  readonly name: string;
}

/** A field's type once it is known to be one. */
export type Known =
  | { readonly kind: "scalar"; readonly scalar: ScalarName }
  | { readonly kind: "struct"; readonly of: StructType }
  | { readonly kind: "array"; readonly of: Known; readonly length: number; readonly stride: number }
  | PointerTo<(() => unknown) | undefined>
  | TextField
  | StringField;

/** One field. */
export interface Slot {
  readonly name: string;
  readonly type: Known;
  /** Bytes from the struct's begin. */
  readonly at: number;
}

/** All of a struct's fields in their order. */
export interface Layout {
  readonly slots: readonly Slot[];
  readonly size: number;
  readonly align: number;
  readonly packed: boolean;
}

/** Bytes of the number types; each is aligned to its size. */
export const scalarSizes: Readonly<Record<ScalarName, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f16: 2,
  f32: 4,
  f64: 8,
  u64: 8,
  i64: 8,
  size: 8,
  bool: 1,
};

/** Names that views have already. */
const reserved = ["constructor", "move", "toJSON", "toString", "valueOf"];

/** Bytes and alignment of a type. */
export function measure(type: Known): { readonly size: number; readonly align: number } {
  switch (type.kind) {
    case "scalar": {
      const size = scalarSizes[type.scalar];
      return { size, align: size };
    }
    case "struct":
      return type.of;
    case "array":
      return { size: type.stride * type.length, align: measure(type.of).align };
    case "text":
      return { size: type.bytes, align: 1 };
    case "pointer":
    case "string":
      return { size: 8, align: 8 };
  }
}

/**
 * The layout of a declaration.
 *
 * @param fields What the user gave.
 * @param packed Without gaps.
 * @param structType Tells whether a value is a struct, and which.
 */
export function layOut(
  fields: unknown,
  packed: boolean,
  structType: (value: unknown) => StructType | undefined,
): Layout {
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    throw new TypeError(
      `Cannot declare a struct: the fields must be an object, not ${show(fields)}`,
    );
  }
  const slots: Slot[] = [];
  let end = 0;
  let most = 1;
  for (const [name, value] of Object.entries(fields)) {
    checkName(name);
    const type = known(value, name, structType);
    const { size, align } = measure(type);
    const step = packed ? 1 : align;
    const at = roundUp(end, step);
    slots.push({ name, type, at });
    end = at + size;
    most = Math.max(most, step);
    checkSize(end);
  }
  if (slots.length === 0) throw new TypeError("Cannot declare a struct: it has no fields");
  checkClash(slots);
  const size = roundUp(end, most);
  checkSize(size);
  return { slots, size, align: most, packed };
}

function known(
  value: unknown,
  name: string,
  structType: (value: unknown) => StructType | undefined,
): Known {
  if (typeof value === "string" && Object.hasOwn(scalarSizes, value)) {
    return { kind: "scalar", scalar: value as ScalarName };
  }
  const of = structType(value);
  if (of !== undefined) return { kind: "struct", of };
  if (typeof value === "object" && value !== null && "kind" in value) {
    if (value.kind === "array") return knownArray(value as ArrayOf<unknown>, name, structType);
    // Written by hand, they are checked as those are that the functions make.
    if (value.kind === "pointer") return pointer((value as PointerTo<() => unknown>).to);
    if (value.kind === "text") return text((value as TextField).bytes);
    if (value.kind === "string") return string();
  }
  throw new TypeError(
    `Cannot declare a struct: the type of the field "${name}" is ${show(value)}, ` +
      `not a name like "f64", a struct, or what array(), pointer(), string() or text() gives`,
  );
}

function knownArray(
  value: ArrayOf<unknown>,
  name: string,
  structType: (value: unknown) => StructType | undefined,
): Known {
  const of = known(value.of, name, structType);
  if (of.kind === "array") {
    throw new TypeError(
      `Cannot declare a struct: the field "${name}" is an array of arrays; ` +
        "put the inner array into a struct",
    );
  }
  return { kind: "array", of, length: array("u8", value.length).length, stride: measure(of).size };
}

/** Names of C that JavaScript can write after a dot. */
function checkName(name: string): void {
  if (!/^[\p{ID_Start}_]\p{ID_Continue}*$/u.test(name)) {
    throw new TypeError(
      `Cannot declare a struct: ${show(name)} cannot be the name of a field, ` +
        "which has letters, digits and underscores and does not begin with a digit",
    );
  }
  if (reserved.includes(name) || name.startsWith("__")) {
    throw new TypeError(
      `Cannot declare a struct: a field cannot have the name "${name}", which has another meaning`,
    );
  }
}

/** A pointer field `pointer` would have its number where the view has its own. */
function checkClash(slots: readonly Slot[]): void {
  const clash = slots.find(({ name, type }) =>
    name === "pointer" && (type.kind === "string" || type.kind === "pointer")
  );
  if (clash !== undefined) {
    throw new TypeError(
      `Cannot declare a struct: a field that is a pointer cannot have the name "pointer", ` +
        "since $pointer is the view's own",
    );
  }
}

function checkSize(size: number): void {
  if (size > sizeMax) {
    throw new RangeError(
      `Cannot declare a struct: it has more than ${showBytes(sizeMax)}; ` +
        "let it point to its large parts",
    );
  }
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
