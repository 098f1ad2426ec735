import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { LibraryError } from "./errors.ts";
import { isInExecutable, unpack, unpackFile } from "./unpack.ts";

const bytes = Buffer.from("the bytes of a library");
const library = {
  sha256: createHash("sha256").update(bytes).digest("hex"),
  base64: bytes.toString("base64"),
};

function withFolder(work: (dir: string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), "vmem-unpack-"));
  try {
    work(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("unpack() writes the library once, for the user alone", () => {
  withFolder((dir) => {
    const folder = join(dir, "a", "b");
    const path = unpack(library, folder);
    assertEquals(path, join(folder, `${library.sha256}.so`));
    assertEquals(readFileSync(path).equals(bytes), true);
    assertEquals(statSync(folder).mode & 0o777, 0o700);
    const { ino } = statSync(path);
    assertEquals(unpack(library, folder), path);
    assertEquals(statSync(path).ino, ino);
    assertEquals(readdirSync(folder).length, 1);
  });
});

test("unpack() replaces a file with other bytes", () => {
  withFolder((dir) => {
    writeFileSync(join(dir, `${library.sha256}.so`), "damaged");
    assertEquals(readFileSync(unpack(library, dir)).equals(bytes), true);
  });
});

test("unpack() refuses a damaged package and a folder that cannot be made", () => {
  withFolder((dir) => {
    assertThrows(
      () => unpack({ ...library, base64: "AAAA" }, dir),
      LibraryError,
      "its hash does not match",
    );
    assertEquals(readdirSync(dir), []);
    writeFileSync(join(dir, "file"), "");
    assertThrows(() => unpack(library, join(dir, "file", "x")), LibraryError, "Cannot unpack");
  });
});

test("unpackFile() copies a file under the name of its hash", () => {
  withFolder((dir) => {
    const carried = join(dir, "carried.so");
    writeFileSync(carried, bytes);
    const folder = join(dir, "cache");
    const path = unpackFile(carried, folder);
    assertEquals(path, join(folder, `${library.sha256}.so`));
    assertEquals(readFileSync(path), bytes);
    writeFileSync(path, "something else");
    assertEquals(readFileSync(unpackFile(carried, folder)), bytes);
    assertEquals(readdirSync(folder), [`${library.sha256}.so`]);
  });
});

test("isInExecutable() tells Bun's own paths from those of files", () => {
  assertEquals(isInExecutable("/$bunfs/root/linux-x64-0a1b.so"), true);
  assertEquals(isInExecutable("/usr/lib/$bunfs/linux-x64.so"), false);
});
