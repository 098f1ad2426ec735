/** The environment for programs under libvmmalloc, and what a child makes of it. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { LibraryError, VmemError } from "../../mod.ts";
import { vmmallocEnv, type VmmallocOptions } from "../../src/vmmalloc.ts";
import { permitted } from "./child.ts";

const dir = tmpdir();
const size = "32MiB";

test("vmmallocEnv() says everything that was chosen, and nothing else", () => {
  const least = vmmallocEnv({ dir, size });
  assertEquals(Object.keys(least).sort(), [
    "LD_PRELOAD",
    "VMMALLOC_POOL_DIR",
    "VMMALLOC_POOL_SIZE",
  ]);
  assertEquals(least.VMMALLOC_POOL_DIR, dir);
  assertEquals(least.VMMALLOC_POOL_SIZE, String(32 * 2 ** 20));
  assertStringIncludes(least.LD_PRELOAD!, "/libvmmalloc.so.1");
  const { LD_PRELOAD: _, ...most } = vmmallocEnv({
    dir,
    maxSize: "1GiB",
    fork: 3,
    storage: "ahead",
    logLevel: 1,
    logFile: "/tmp/log",
    logStats: true,
  });
  assertEquals(most, {
    VMMALLOC_POOL_DIR: dir,
    VMMALLOC_POOL_SIZE: String(14 * 2 ** 20),
    VMMALLOC_POOL_MAX_SIZE: String(2 ** 30),
    VMMALLOC_FORK: "3",
    VMMALLOC_STORAGE: "ahead",
    VMMALLOC_LOG_LEVEL: "1",
    VMMALLOC_LOG_FILE: "/tmp/log",
    VMMALLOC_LOG_STATS: "1",
  });
});

test("vmmallocEnv() makes relative paths absolute, since children may be started elsewhere", () => {
  const env = vmmallocEnv({ dir: ".", size, logFile: "log" });
  assertEquals(env.VMMALLOC_POOL_DIR, process.cwd());
  assertEquals(env.VMMALLOC_LOG_FILE, join(process.cwd(), "log"));
});

test("vmmallocEnv() refuses what no child could use", () => {
  const wrong: readonly [unknown, typeof TypeError | typeof RangeError, string][] = [
    [undefined, TypeError, "options are an object, not undefined"],
    [{ dir, size, forks: 1 }, TypeError, 'no option "forks"'],
    [{ size }, TypeError, '"dir" must be a path, not undefined'],
    [{ dir: "", size }, RangeError, '"dir" must be a path, not ""'],
    [{ dir: "a\0b", size }, RangeError, '"dir" must be a path'],
    [{ dir }, TypeError, 'needs a "size" or a "maxSize"'],
    [{ dir, size: "13MiB" }, RangeError, "must be 14680064 to 2^53 - 1 bytes"],
    [{ dir, size: "32MiB", maxSize: "31MiB" }, RangeError, "must be 33554432 to"],
    [{ dir, size: "32" }, RangeError, 'must look like "64MiB"'],
    [{ dir, size, fork: 4 }, TypeError, '"fork" must be 0 or 1 or 2 or 3, not 4'],
    [{ dir, size, storage: "now" }, TypeError, '"storage" must be "touched" or "ahead", not "now"'],
    [{ dir, size, logLevel: "1" }, TypeError, '"logLevel" must be 0 or 1'],
    [{ dir, size, logStats: 1 }, TypeError, '"logStats" must be false or true, not 1'],
    [{ dir, size, logFile: 3 }, TypeError, '"logFile" must be a path, not 3'],
  ];
  for (const [options, type, text] of wrong) {
    assertThrows(() => vmmallocEnv(options as VmmallocOptions), type, text);
  }
});

test("vmmallocEnv() tells a missing directory and a missing library before a child meets them", () => {
  const error = assertThrows(() => vmmallocEnv({ dir: "/no/such/folder", size }), VmemError);
  assertEquals(error.code, "ENOENT");
  const missing: VmmallocOptions = { dir, size, library: "/no/such/library.so" };
  assertThrows(() => vmmallocEnv(missing), LibraryError, "no file");
});

test("vmmallocEnv() refuses a library that LD_PRELOAD cannot name", () => {
  const folder = mkdtempSync(join(tmpdir(), "vmem a blank-"));
  const library = join(folder, "libvmmalloc.so.1");
  symlinkSync(vmmallocEnv({ dir, size }).LD_PRELOAD!.split(":")[0]!, library);
  assertThrows(() => vmmallocEnv({ dir, size, library }), LibraryError, "a blank or a colon");
  rmSync(folder, { recursive: true });
});

test("vmmallocEnv() keeps what else is preloaded, once", () => {
  const alone = vmmallocEnv({ dir, size }).LD_PRELOAD!;
  const before = process.env.LD_PRELOAD;
  process.env.LD_PRELOAD = `/lib/other.so ${alone}`;
  try {
    assertEquals(vmmallocEnv({ dir, size }).LD_PRELOAD, `${alone}:/lib/other.so`);
  } finally {
    if (before === undefined) delete process.env.LD_PRELOAD;
    else process.env.LD_PRELOAD = before;
  }
});

test("a child of that environment has its memory in the pool", () => {
  const folder = mkdtempSync(join(tmpdir(), "vmem-vmmalloc-"));
  const logFile = join(folder, "log");
  const env = vmmallocEnv({ dir, size, logStats: true, logFile });
  const { status, stdout, stderr } = spawnSync("sort", ["-n"], {
    env: { ...process.env, ...env },
    input: "10\n9\n",
    encoding: "utf8",
  });
  assertEquals([status, stdout, stderr], [0, "9\n10\n", ""]);
  const allocated = /^Allocated: (\d+)/m.exec(readFileSync(logFile, "utf8"))?.[1];
  assert(Number(allocated) > 0, `${allocated} bytes`); // without a locale sort keeps little to its end
  rmSync(folder, { recursive: true });
});

test("examples: a child's memory lies where it was told", () => {
  const [command = "", ...rest] = permitted(
    ["--allow-write", "--allow-run"],
    "examples/hungry_child.ts",
    dir,
    "20000",
  );
  const { status, stdout, stderr } = spawnSync(command, rest, { encoding: "utf8" });
  assertEquals(status, 0, String(stderr));
  const [, sum, mebibytes] =
    /is (\d+), and ought.*\nAt its end awk had ([\d.]+) MiB/.exec(String(stdout)) ?? [];
  assertEquals(sum, "199990000", String(stdout));
  assert(Number(mebibytes) > 0.5, String(stdout));
});
