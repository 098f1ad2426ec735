/** Layout and declarations: what is refused, and what C text comes out. Offsets against a C compiler: tests/ts/struct_layout_test.ts. */
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { array, pointer, string, text } from "./declare.ts";
import { struct } from "./struct.ts";

test("struct: size, align and offsets are C's", () => {
  const Mixed = struct({ a: "u8", b: "f64", c: "u16", d: "u8" });
  assertEquals(Mixed.offsets, { a: 0, b: 8, c: 16, d: 18 });
  assertEquals([Mixed.size, Mixed.align], [24, 8]);
  const Packed = struct({ a: "u8", b: "f64", c: "u16", d: "u8" }, { packed: true });
  assertEquals(Packed.offsets, { a: 0, b: 1, c: 9, d: 11 });
  assertEquals([Packed.size, Packed.align], [12, 1]);
  const Outer = struct({ a: "u8", packed: Packed, mixed: Mixed, label: text(3), next: pointer() });
  assertEquals(Outer.offsets, { a: 0, packed: 1, mixed: 16, label: 40, next: 48 });
  assertEquals([Outer.size, Outer.align], [56, 8]);
});

test("struct: a declaration in C has names, nested structs, arrays and attributes", () => {
  const Vec = struct({ x: "f32", y: "f32" }, { name: "vec", packed: true });
  const Node = struct({
    one: "bool",
    size: "size",
    half: "f16",
    at: Vec,
    inner: struct({ a: "i8" }),
    many: array(text(4), 3),
    all: array(pointer(() => Node), 2),
    raw: pointer(),
    name: string(),
  }, { name: "node" });
  assertEquals(Vec.c(), "struct __attribute__((packed)) vec {\n    float x;\n    float y;\n};\n");
  assertEquals(
    Node.c("other"),
    `struct other {
    bool one;
    size_t size;
    _Float16 half;
    struct vec at;
    struct {
        int8_t a;
    } inner;
    char many[3][4];
    struct other *all[2];
    void *raw;
    struct vmem_string *name;
};
`,
  );
  assertThrows(() => struct({ int: "u8" }).c(), RangeError, "is a keyword");
});

test("struct: wrong declarations are refused", () => {
  const wrong: [unknown, string][] = [
    [undefined, "the fields must be an object"],
    [[], "the fields must be an object"],
    [{}, "it has no fields"],
    [{ a: "u128" }, '"u128"'],
    [{ a: "toString" }, '"toString"'],
    [{ a: 1 }, 'the field "a" is 1'],
    [{ a: null }, "null"],
    [{ a: Object }, "the function Object"],
    [{ 1: "u8" }, '"1" cannot be the name'],
    [{ "a-b": "u8" }, "cannot be the name"],
    [{ $a: "u8" }, "cannot be the name"],
    [{ "": "u8" }, "cannot be the name"],
    [{ move: "u8" }, "another meaning"],
    [{ constructor: "u8" }, "another meaning"],
    [{ ["__proto__"]: "u8" }, "another meaning"],
    [{ pointer: pointer() }, "$pointer"],
    [{ a: array(array("u8", 2), 2) }, "an array of arrays"],
    [{ a: array("f64", 2 ** 18) }, "more than 1 MiB"],
    [{ a: text(2 ** 20), b: "u8" }, "more than 1 MiB"],
    [{ a: { kind: "text", bytes: -8 } }, "the number of bytes must be a whole number from 1"],
    [{ a: { kind: "text" } }, "the number of bytes must be a number"],
    [{ a: { kind: "array", of: "u8", length: 1.5 } }, "the length must be a whole number from 1"],
    [{ a: { kind: "pointer", to: 5 } }, "a function like () => Node"],
  ];
  for (const [fields, message] of wrong) {
    const error = assertThrows(() => struct(fields as never));
    assertEquals([(error as Error).message.includes(message), message], [true, message]);
  }
  for (const options of [null, 1, { packed: 1 }, { name: 1 }, { name: "a b" }]) {
    assertThrows(() => struct({ a: "u8" }, options as never), TypeError);
  }
  for (const length of [0, -1, 1.5, NaN, 2 ** 21]) {
    assertThrows(() => array("u8", length), RangeError);
    assertThrows(() => text(length), RangeError);
  }
  for (const length of ["1", undefined, null, 1n]) {
    assertThrows(() => array("u8", length as never), TypeError);
    assertThrows(() => text(length as never), TypeError);
  }
  assertThrows(() => pointer(1 as never), TypeError, "a function");
});

test("struct: the largest is 1 MiB", () => {
  assertEquals(struct({ a: array("f64", 2 ** 17) }).size, 2 ** 20);
});
