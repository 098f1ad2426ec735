/** The benchmark of programs, run once with one of them: what no longer works is noticed here. */
import { assertEquals, assertMatch } from "@std/assert";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { root } from "../sources.ts";
import { findProgram, runProgram } from "./preload.ts";

const jemalloc = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"]
  .some((folder) => existsSync(join(folder, "libjemalloc.so.2")));
const lacks = [...jemalloc ? [] : ["jemalloc"], ...findProgram("xz") === undefined ? ["xz"] : []];

function bench(...words: string[]) {
  const program = join(root, "bench", "programs.ts");
  return runProgram([process.execPath, "run", "-A", "--no-check", program, ...words], {
    cwd: root,
  });
}

test("bench:programs measures one program, with each malloc", {
  skip: lacks.length > 0 && `not installed: ${lacks.join(", ")}`,
}, () => {
  const { status, stdout, stderr } = bench("--quick");
  assertEquals({ status, stderr }, { status: 0, stderr: "" });
  const cells = (name: string) =>
    stdout.split("\n").find((line) => line.startsWith(`| ${name} `))?.split("|").slice(2, -1)
      .map((cell) => cell.trim()) ?? [];
  const heads = ["user", "elapsed", "memory"];
  assertEquals(cells("program").slice(0, 3), ["jemalloc: user s", "elapsed s", "MiB"]);
  assertEquals(
    cells("program").slice(3),
    ["glibc", "tmpfs", "huge"].flatMap((name) => [`${name}: ${heads[0]}`, ...heads.slice(1)]),
  );
  // Huge pages are left out.
  const figures = cells("xz -2").slice(0, 9).map(Number);
  assertEquals(figures.length, 9, stdout);
  assertEquals(figures.filter((figure) => !(figure > 0 && figure < 1000)), [], stdout);
});

test("bench:programs says what is wrong with its words", () => {
  assertMatch(bench("xy").stderr, /^No program's name contains "xy"\n/m);
  assertMatch(bench("--rounds", "0").stderr, /^--rounds is "0"; it must be a number\n/m);
});
