/**
 * Layout against a C compiler: the declarations that structs give of themselves are compiled, and the program prints every
 * offset, size and alignment.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { array, pointer, string, struct, text } from "../../mod.ts";
import { zig, zigEnvironment } from "../../tools/zig.ts";

const Vec = struct({ x: "f32", y: "f32", z: "f32" }, { name: "vec" });
const Packed = struct({ a: "u8", b: "u64", c: "u16", d: "f64" }, { name: "packed", packed: true });
const Flags = struct({ one: "bool", two: "bool", wide: "i64", three: "bool" }, { name: "flags" });
const Node = struct({ key: "u32", value: "f64", next: pointer(() => Node) }, { name: "node" });

const structs = [
  Vec,
  Packed,
  Flags,
  Node,
  struct({ a: "i8", b: "i16", c: "i8", d: "i32", e: "i8" }, { name: "steps" }),
  struct({ a: "u8", b: "f16", c: "u8", d: "f32", e: "f16" }, { name: "floats" }),
  struct({ a: "u8", vec: Vec, b: "u8", many: array(Vec, 3), c: "u16" }, { name: "nested" }),
  struct({ a: "u8", inside: Packed, b: "u32", many: array(Packed, 5) }, { name: "mixed" }),
  struct({ a: "u8", inside: Flags, many: array(Flags, 2), tail: "u8" }, {
    name: "packs",
    packed: true,
  }),
  struct({ label: text(5), b: "u16", more: array(text(3), 3), c: "u64" }, { name: "texts" }),
  struct(
    { a: "u8", raw: pointer(), b: "u8", name: string(), list: array(pointer(() => Node), 3) },
    {
      name: "pointers",
    },
  ),
  struct({ a: "u16", inner: struct({ b: "u8", deep: struct({ c: "u64", d: "u8" }) }), e: "u8" }, {
    name: "deep",
  }),
  struct(
    { n: "size", k: "u8", list: array("u16", 7), flags: array("bool", 3), h: array("f16", 3) },
    {
      name: "arrays",
    },
  ),
  struct({ a: array("u8", 4096), b: "f64", c: array("i64", 100), d: "u8" }, { name: "large" }),
];

function program(): string {
  const lines = structs.flatMap(({ name, offsets }) => [
    `printf("${name} %zu %zu", sizeof(struct ${name}), _Alignof(struct ${name}));`,
    ...Object.keys(offsets).map((field) => `printf(" %zu", offsetof(struct ${name}, ${field}));`),
    `puts("");`,
  ]);
  return `#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
${structs.map((each) => each.c()).join("\n")}
int main(void) {
    ${lines.join("\n    ")}
    return 0;
}
`;
}

function run(command: readonly [string, ...string[]]): string {
  const [file, ...words] = command;
  const result = spawnSync(file, words, { encoding: "utf8", env: zigEnvironment() });
  if (result.status !== 0) throw new Error(`${command.join(" ")} failed:\n${result.stderr}`);
  return result.stdout;
}

test("struct: sizes, alignments and offsets are those of the C compiler", () => {
  const folder = mkdtempSync(join(tmpdir(), "vmem-layout-"));
  try {
    const source = join(folder, "layout.c");
    const binary = join(folder, "layout");
    writeFileSync(source, program());
    run([zig(), "cc", "-std=c11", "-o", binary, source]);
    const mine = structs.map(({ name, size, align, offsets }) =>
      [name, size, align, ...Object.values(offsets)].join(" ")
    );
    assertEquals(run([binary]).trim().split("\n"), mine);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
