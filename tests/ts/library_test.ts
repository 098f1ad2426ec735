/** Finding the native library; each case is a program of its own. */
import { Buffer } from "node:buffer";
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Pool } from "../../mod.ts";
import { openLibrary } from "../../src/library.ts";
import { abi } from "../../src/symbols.ts";
import { program, run } from "./child.ts";

Pool.create().close();
const library = openLibrary().path;

function withFolder(work: (dir: string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), "vmem-library-"));
  try {
    work(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Error of the first pool of a program, or "works". */
function firstPool(chosen: string, environment: string): string {
  const { status, output } = run(program("children/library.ts", chosen), {
    VMEM_LIBRARY: environment,
  });
  assertEquals(status, 0, output);
  return output.trim();
}

test("the library is found without being told", () => {
  assertEquals(firstPool("", ""), "works");
});

test("VMEM_LIBRARY names the library", () => {
  withFolder((dir) => {
    const copy = join(dir, "copy.so");
    copyFileSync(library, copy);
    assertEquals(firstPool("", copy), "works");
  });
});

test("setLibrary() goes before VMEM_LIBRARY", () => {
  withFolder((dir) => {
    symlinkSync(library, join(dir, "link.so"));
    assertEquals(firstPool(join(dir, "link.so"), "/no/such/file.so"), "works");
  });
});

test("a named library that is not there is a LibraryError that says who named it", () => {
  for (const [chosen, named] of [["", "/no/such.so"], ["/no/such.so", ""]] as const) {
    const output = firstPool(chosen, named);
    assert(output.startsWith("LibraryError: Cannot load the vmem library for linux-"), output);
    assert(
      output.includes(`"/no/such.so", from ${chosen === "" ? "VMEM" : "setLibrary()"}`),
      output,
    );
  }
});

test("a file that is no library is a LibraryError", () => {
  withFolder((dir) => {
    const path = join(dir, "text.so");
    writeFileSync(path, "not a library");
    assert(firstPool(path, "").startsWith("LibraryError: Cannot load the vmem library"));
  });
});

test("a library of another kind is a LibraryError", () => {
  const output = firstPool("libc.so.6", "");
  assert(output.startsWith("LibraryError: Cannot load the vmem library"), output);
});

test("a library of another version of the package is refused and says so", () => {
  withFolder((dir) => {
    // The real library but for the hash that it reports.
    const bytes = readFileSync(library);
    const hash = Buffer.alloc(4);
    hash.writeUInt32LE(abi);
    const place = bytes.indexOf(hash);
    assert(place > 0, "the library holds the hash");
    for (let at = place; at >= 0; at = bytes.indexOf(hash, at)) {
      bytes.writeUInt32LE((abi ^ 1) >>> 0, at);
    }
    writeFileSync(join(dir, "stale.so"), bytes);
    const output = firstPool(join(dir, "stale.so"), "");
    assert(output.startsWith("LibraryError: Cannot use the vmem library"), output);
    assert(output.includes("it belongs to another version of the package"), output);
    assert(output.includes(abi.toString(16)), output);
  });
});
