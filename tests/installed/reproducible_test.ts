/** A library is the same wherever it is built. `deno task release` tries all of them on all platforms, with empty caches. */
import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { platform } from "../../src/library.ts";
import { elsewhere } from "../../tools/elsewhere.ts";
import { buildLibraries } from "../../tools/platforms.ts";
import { root } from "../../tools/zig.ts";

const folder = join(root, "zig-out", "lib");
const libraries = ["libvmem_ffi.so", "libvmem.so.1", "libvmmalloc.so.1", "libmemkind.so.0"];

test("libvmem_ffi.so is the same to the byte when it is built elsewhere", async () => {
  const again = await elsewhere(false, async (workshop) => {
    const built = await buildLibraries(platform(), workshop, "package-ffi");
    return readFileSync(join(built, "libvmem_ffi.so"));
  });
  assertEquals(again.equals(readFileSync(join(folder, "libvmem_ffi.so"))), true);
});

test("the libraries name neither this folder nor this user", () => {
  // Where the repository lies at the root of the file system, its path is in everything.
  const names = [root, homedir()].filter((name) => name.length > 1);
  const found = libraries.flatMap((library) => {
    const bytes = readFileSync(join(folder, library));
    return names.filter((name) => bytes.includes(name)).map((name) => `${library}: ${name}`);
  });
  assertEquals(found, []);
});
