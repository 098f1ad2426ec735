import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { readableBytes, readableCount, readText, show, showBytes } from "./text.ts";

test("show() quotes strings and names large things", () => {
  const cases: readonly [unknown, string][] = [
    ["a\n", '"a\\n"'],
    ["x".repeat(100), `"${"x".repeat(60)}..."`],
    [5n, "5n"],
    [-0, "-0"],
    [NaN, "NaN"],
    [null, "null"],
    [undefined, "undefined"],
    [Symbol("s"), "Symbol(s)"],
    [Uint8Array, "the function Uint8Array"],
    [() => 1, "a function"],
    [[1], "an Array"],
    [new Uint8Array(2), "a Uint8Array"],
    [Object.create(null), "an Object"],
    [{
      get [Symbol.toStringTag](): string {
        return "Own";
      },
    }, "an Own"],
  ];
  for (const [value, text] of cases) assertEquals(show(value), text);
});

test("showBytes() takes the largest unit that is exact", () => {
  const cases: readonly [number, string][] = [
    [0, "0 bytes"],
    [1, "1 byte"],
    [1000, "1000 bytes"],
    [1024, "1 KiB"],
    [1025, "1025 bytes"],
    [2 ** 20 * 64, "64 MiB"],
    [2 ** 30 + 2 ** 20, "1025 MiB"],
    [2 ** 50, "1 PiB"],
  ];
  for (const [bytes, text] of cases) assertEquals(showBytes(bytes), text);
});

test("readText() decodes what was written, also when the text was longer", () => {
  const written = (text: string) => (out: Uint8Array, capacity: number): number => {
    const bytes = new TextEncoder().encode(text);
    out.set(bytes.subarray(0, capacity));
    return bytes.length;
  };
  assertEquals(readText(written("größer")), "größer");
  assertEquals(readText(written("")), "");
  assertEquals(readText(written("x".repeat(5000))), "x".repeat(4608));
});

test("readableBytes() and readableCount() are short", () => {
  const bytes = [0, 1, 999, 1000, 1024, 102_349, 102_400, 1_048_575, 1_048_576, 2 ** 40, 2 ** 60];
  assertEquals(bytes.map(readableBytes), [
    ...["0 B", "1 B", "999 B", "0.98 KiB", "1.00 KiB", "100 KiB", "100 KiB", "1.00 MiB"],
    ...["1.00 MiB", "1.00 TiB", "1048576 TiB"],
  ]);
  assertEquals([0, 12, 123, 1234, 1_234_567].map(readableCount), [
    ...["0", "12", "123", "1,234", "1,234,567"],
  ]);
});
