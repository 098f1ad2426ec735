/** tests/abi/README.md: the tables that say where the contract is shown point at code that exists. */
import { assert, assertEquals } from "@std/assert";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { declared } from "../libraries.ts";
import { root } from "./tree.ts";

const folder = join(root, "tests", "abi");
const tables = readFileSync(join(folder, "README.md"), "utf8");
const rows = tables.split("\n").filter((line) => /^\| (?!-|.*shown by)/.test(line));

test("contract: every row names a function of a C program", () => {
  const wrong = rows.filter((row) => {
    const [, file = "", name = ""] = /`(\w+\.c): (\w+)`\s*\|$/.exec(row) ?? [];
    if (!existsSync(join(folder, file)) || name === "") return true;
    return !new RegExp(`^[a-z].*\\b${name}\\(.*\\)$`, "m").test(
      readFileSync(join(folder, file), "utf8"),
    );
  });
  assertEquals(wrong, []);
  assert(rows.length > 60);
});

test("contract: every public function has a C program of its name", () => {
  const files = readdirSync(folder);
  const names = [...declared("libvmem.h", /^vmem_/), ...declared("libvmem_ext.h", /^vmemx_/)];
  assertEquals(names.filter((name) => !files.includes(`${name}.c`)), []);
});
