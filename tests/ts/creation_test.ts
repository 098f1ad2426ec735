/** Wrong use of what makes pools, and of the functions beside them. */
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkVersion, LibraryError, Pool, setLibrary, VmemError } from "../../mod.ts";
import { noNumbers, noWholeNumbers, refuses, show } from "./wrong.ts";

test("Pool.create() refuses every wrong option", () => {
  const create = (options: unknown): Pool => Pool.create(options as Record<string, never>);
  const wrong: unknown[] = [1, "x", null, true, 5n, Symbol("s"), { directory: "/tmp" }];
  const nothingOf = [...noNumbers.filter((value) => typeof value !== "string"), 1.5, -1];
  for (const path of [...nothingOf, "", "a\0b"]) wrong.push({ dir: path }, { device: path });
  for (const other of [{ dir: "/tmp" }, { size: "1MiB" }, { maxSize: "1MiB" }]) {
    wrong.push({ device: "/dev/dax0.0", ...other });
  }
  for (const name of ["size", "maxSize"]) {
    for (const value of [...noNumbers, ...noWholeNumbers, 0, 100, "100KiB", 2 ** 20 - 1]) {
      wrong.push({ [name]: value });
    }
  }
  for (const value of [...noNumbers, 1, "DECAY"]) wrong.push({ giveBack: value });
  for (const value of [...noNumbers, 4, -1, NaN]) wrong.push({ hardening: value });
  for (const value of [...noNumbers.filter((each) => each !== true), 1, 0]) {
    wrong.push({ allowUnsafeStorage: value });
  }
  wrong.push({ size: "1MiB", maxSize: "1MiB" });
  for (const options of wrong) {
    refuses(() => create(options), `Pool.create(${show(options)})`);
  }
});

test("Pool.create() tells the system's errors", () => {
  const wrong: readonly [string, string][] = [
    ["/no/such/folder", "ENOENT"],
    ["/dev/null", "EINVAL"],
    [fileURLToPath(import.meta.url), "ENOTDIR"],
    ["/dev/null/x", "ENOTDIR"],
    [`/${"x".repeat(300)}`, "ENAMETOOLONG"],
    [`/${"x/".repeat(3000)}`, "ENAMETOOLONG"],
    ["/proc", "ENOENT"],
  ];
  for (const [dir, code] of wrong) {
    const error = assertThrows(() => Pool.create({ dir }), VmemError);
    if (dir === "/proc") continue; // which error that is depends on the kernel
    assertEquals([dir.slice(0, 20), error.code], [dir.slice(0, 20), code]);
    if (dir.length < 4096) assert(error.message.includes(dir.slice(0, 20)), error.message);
  }
});

test("Pool.create() takes only a device of DAX for a device", () => {
  const wrong: readonly [string, string, string][] = [
    ["/dev/null", "EINVAL", "it is a character device, but not a DAX device"],
    ["/tmp", "EINVAL", "it is not a DAX device"],
    ["/no/such/device", "ENOENT", "No such file or directory"],
  ];
  for (const [device, code, reason] of wrong) {
    const error = assertThrows(() => Pool.create({ device }), VmemError, reason);
    assertEquals(error.code, code);
    assert(error.message.includes(device), error.message);
  }
});

test("new Pool() is refused", () => {
  const Constructor = Pool as unknown as new (...values: unknown[]) => Pool;
  assertThrows(() => new Constructor(), TypeError, "use Pool.create()");
  assertThrows(() => new Constructor(Symbol("x"), 1), TypeError, "use Pool.create()");
});

test("checkVersion() and setLibrary() refuse wrong arguments", () => {
  const check = checkVersion as (...parts: unknown[]) => unknown;
  for (const value of [...noNumbers, ...noWholeNumbers, undefined, 2 ** 32]) {
    refuses(() => check(value, 1), `checkVersion(${show(value)}, 1)`);
    refuses(() => check(1, value), `checkVersion(1, ${show(value)})`);
  }
  using _open = Pool.create();
  for (const value of [...noNumbers.filter((each) => typeof each !== "string"), 1, ""]) {
    refuses(() => (setLibrary as (path: unknown) => void)(value), `setLibrary(${show(value)})`);
  }
  assertThrows(() => setLibrary("/x"), LibraryError, "is in use already");
});
