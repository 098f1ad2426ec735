/**
 * Programs that were linked to the original find this library in its place. The original's part is played by a library of
 * its names and version, with nothing in them: what a program carries away from linking is the same.
 */
import { assert, assertEquals } from "@std/assert";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { declared } from "../libraries.ts";
import { emptyFolder, need, root, run, zigCompiler } from "./tree.ts";

const folder = emptyFolder("dropin");
const names = declared("libvmem.h", /^vmem_/);
const ours = join(root, "zig-out", "lib");

/** A library with the functions as empty ones, under the version node or under none; gives its folder. */
function original(name: string, version: string): string {
  const place = join(folder, name);
  mkdirSync(place);
  const body = names.map((each) => `void ${each}(void) {}\n`).join("");
  const map = version === ""
    ? "{ global: vmem_*; local: *; };"
    : `${version} { global: vmem_*; local: *; };`;
  writeFileSync(join(place, "map"), map);
  writeFileSync(join(place, "original.c"), body);
  const options = [
    "-shared",
    "-fPIC",
    "-Wl,-soname,libvmem.so.1",
    `-Wl,--version-script=${join(place, "map")}`,
  ];
  need([
    ...zigCompiler(),
    ...options,
    "-o",
    join(place, "libvmem.so.1"),
    join(place, "original.c"),
  ]);
  symlinkSync("libvmem.so.1", join(place, "libvmem.so"));
  return place;
}

function link(library: string, program: string): string {
  const out = join(folder, program);
  const source = join(root, "tests", "installed", "dropin.c");
  const options = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fno-builtin"];
  need([
    ...zigCompiler(),
    ...options,
    "-o",
    out,
    source,
    join(library, "libvmem.so"),
  ]);
  return out;
}

/** Runs a program with the library of a folder, all symbols bound at the start. */
function start(program: string, library: string) {
  return run([program, folder], "", { LD_LIBRARY_PATH: library, LD_BIND_NOW: "1" });
}

const versioned = original("versioned", "LIBVMEM_1.0");
const before = link(versioned, "before");

test("drop-in: a program linked to the original runs with this library, without a word of the loader", () => {
  const { status, output, errors } = start(before, ours);
  assertEquals({ status, output, errors }, { status: 0, output: "dropped in\n", errors: "" });
});

test("drop-in: and with its twin for debugging", () => {
  const { status, output } = start(before, join(ours, "vmem_debug"));
  assertEquals({ status, output }, { status: 0, output: "dropped in\n" });
});

test("drop-in: the program asks for the version, and the loader warns where it is missing", () => {
  const { errors } = start(before, original("without", ""));
  assert(/no version information available/.test(errors), errors);
});

test("drop-in: a program linked to this library asks for nothing that the original lacks", () => {
  const after = link(ours, "after");
  assertEquals(start(after, ours).output, "dropped in\n");
  // The empty functions give it 0 or garbage: what counts is that the loader starts it and warns of nothing.
  const { errors } = run([after], "", {
    LD_LIBRARY_PATH: versioned,
    LD_BIND_NOW: "1",
    LD_TRACE_LOADED_OBJECTS: "1",
    LD_WARN: "1",
  });
  assertEquals(errors, "");
});

test("drop-in: it may be loaded by its path, by names with versions, and unloaded under threads that used it", () => {
  const program = join(folder, "unload");
  const source = join(root, "tests", "installed", "unload.c");
  const include = `-I${join(root, "include")}`;
  need([
    ...zigCompiler(),
    "-std=c11",
    "-Wall",
    "-Werror",
    include,
    "-o",
    program,
    source,
    "-lpthread",
    "-ldl",
  ]);
  for (const name of ["libvmem.so.1", "vmem_debug/libvmem.so.1"]) {
    const { status, output, errors } = run([program, join(ours, name)]);
    assertEquals({ status, output, errors }, { status: 0, output: "unloaded\n", errors: "" });
  }
});
