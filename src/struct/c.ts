/**
 * Structs as declarations in C, so that a program can share them, and assert that both sides agree.
 *
 * @module
 */
import { show } from "../text.ts";
import type { Known, Layout, ScalarName } from "./layout.ts";

const scalars: Readonly<Record<ScalarName, string>> = {
  u8: "uint8_t",
  i8: "int8_t",
  u16: "uint16_t",
  i16: "int16_t",
  u32: "uint32_t",
  i32: "int32_t",
  f16: "_Float16",
  f32: "float",
  f64: "double",
  u64: "uint64_t",
  i64: "int64_t",
  size: "size_t",
  bool: "bool",
};

/** Words of C23 that JavaScript allows as a property; `bool` and its like come from headers before that. */
const keywords = new Set(
  ("alignas alignof asm auto bool break case char const constexpr continue default do double else enum extern " +
    "false float for goto if inline int long nullptr register restrict return short signed sizeof static " +
    "static_assert struct switch thread_local true typedef typeof typeof_unqual union unsigned void volatile while")
    .split(" "),
);

/** The declaration; `nameOf` tells the C name of the struct that a pointer goes to, if it has one. */
export function declareInC(
  layout: Layout,
  name: string,
  nameOf: (to: () => unknown) => string | undefined,
): string {
  checkName(name, "struct");
  return `struct ${attribute(layout)}${name} ${body(layout, "", nameOf)};\n`;
}

function attribute({ packed }: Layout): string {
  return packed ? "__attribute__((packed)) " : "";
}

function body(
  layout: Layout,
  indent: string,
  nameOf: (to: () => unknown) => string | undefined,
): string {
  const inner = `${indent}    `;
  const lines = layout.slots.map(({ name, type }) => {
    checkName(name, "field");
    return `${inner}${member(type, name, inner, nameOf)};\n`;
  });
  return `{\n${lines.join("")}${indent}}`;
}

function member(
  type: Known,
  name: string,
  indent: string,
  nameOf: (to: () => unknown) => string | undefined,
): string {
  switch (type.kind) {
    case "scalar":
      return `${scalars[type.scalar]} ${name}`;
    case "text":
      return `char ${name}[${type.bytes}]`;
    case "string":
      return `struct vmem_string *${name}`;
    case "pointer": {
      const target = type.to === undefined ? undefined : nameOf(type.to);
      return target === undefined ? `void *${name}` : `struct ${target} *${name}`;
    }
    case "array":
      return type.of.kind === "text"
        ? `char ${name}[${type.length}][${type.of.bytes}]`
        : member(type.of, `${name}[${type.length}]`, indent, nameOf);
    case "struct": {
      const { layout, name: structName } = type.of;
      return structName === ""
        ? `struct ${attribute(layout)}${body(layout, indent, nameOf)} ${name}`
        : `struct ${structName} ${name}`;
    }
  }
}

function checkName(name: string, what: string): void {
  if (keywords.has(name)) {
    throw new RangeError(`Cannot declare a struct in C: the ${what} ${show(name)} is a keyword`);
  }
}
