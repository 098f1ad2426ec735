import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { parseSize } from "./size.ts";

test("parseSize() takes numbers and text with binary units", () => {
  const sizes: readonly [number | string, number][] = [
    [1, 1],
    [2 ** 53 - 1, 2 ** 53 - 1],
    ["17B", 17],
    ["1KiB", 1024],
    ["64MiB", 2 ** 26],
    ["1.5GiB", 1.5 * 2 ** 30],
    ["0.5TiB", 2 ** 39],
    ["0001KiB", 1024],
  ];
  for (const [given, bytes] of sizes) assertEquals(parseSize(given, "Cannot test"), bytes);
});

test("parseSize() refuses other text", () => {
  const wrong = ["", " ", "1", "MiB", "1 MiB", "1mib", "1MB", "1M", "-1MiB", "+1MiB", "1e3KiB"];
  for (
    const text of [...wrong, "0x1KiB", "1.KiB", ".5KiB", "1MiB ", "1MiB\n", "١KiB", "InfinityB"]
  ) {
    assertThrows(() => parseSize(text, "Cannot test"), RangeError, 'must look like "64MiB"');
  }
});

test("parseSize() refuses what is not a whole number in the limits", () => {
  assertThrows(() => parseSize("1.5B", "Cannot test"), RangeError, "must be a whole number");
  assertThrows(() => parseSize("0.3KiB", "Cannot test"), RangeError, "must be a whole number");
  for (const number of [NaN, Infinity, 1.5]) {
    assertThrows(() => parseSize(number, "Cannot test"), RangeError, "must be a whole number");
  }
  for (const number of [0, -0, -1, 2 ** 53, "0B", "9000TiB"]) {
    assertThrows(() => parseSize(number, "Cannot test"), RangeError, "must be 1 to 2^53 - 1 bytes");
  }
  assertThrows(() => parseSize(99, "Cannot test", 100), RangeError, "must be 100 to");
  for (const value of [undefined, null, 1n, {}, [], Symbol("s"), true]) {
    assertThrows(() => parseSize(value, "Cannot test"), TypeError, "must be a number of bytes");
  }
});
