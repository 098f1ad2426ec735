/** libmemkind.so.0 has every function and variable of Debian's library, of the same sizes. */
import { assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type DynamicSymbol, readLibrary } from "../elf.ts";
import { folder } from "../libraries.ts";
import { functions, kinds, tables } from "./symbols.ts";

/** Where Debian and its like install it. */
const theirs = [
  "/usr/lib/x86_64-linux-gnu/libmemkind.so.0",
  "/usr/lib64/libmemkind.so.0",
].find(existsSync);

/** What a program can see of a symbol; the sizes of functions are nobody's business. */
function visible({ name, version, type, size }: DynamicSymbol): string {
  return [name, version, type, type === "variable" ? size : ""].join(" ").trimEnd();
}

function exported(path: string): string[] {
  return readLibrary(path).symbols.filter(({ defined }) => defined).map(visible).sort();
}

const pointer = 8;
const operations = 21;

test("memkind: every symbol of Debian's library is there, with its type and size", () => {
  const expected = [
    ...functions.map((name) => `${name}  function`),
    ...kinds.map((name) => `${name}  variable ${pointer}`),
    ...tables.map((name) => `${name}  variable ${operations * pointer}`),
  ];
  assertEquals(expected.length, 167);
  assertEquals(exported(join(folder, "libmemkind.so.0")), expected.sort());
});

test("memkind: so says the library itself", {
  skip: theirs === undefined ? "libmemkind0 is not installed" : false,
}, () => {
  assertEquals(exported(join(folder, "libmemkind.so.0")), exported(theirs ?? ""));
});
