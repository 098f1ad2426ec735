import { Buffer } from "node:buffer";
import { execFile, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { brotliCompressSync } from "node:zlib";
import { assertEquals, assertThrows } from "@std/assert";
import { program } from "../tests/ts/child.ts";
import { LibraryError } from "./errors.ts";
import { isInExecutable, unpack, unpackFile } from "./unpack.ts";

const bytes = Buffer.from("the bytes of a library");
const library = {
  sha256: createHash("sha256").update(bytes).digest("hex"),
  brotli: brotliCompressSync(bytes).toString("base64"),
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
    const other = brotliCompressSync(Buffer.from("other bytes")).toString("base64");
    for (const brotli of ["AAAA", other, library.brotli.slice(0, -8)]) {
      const damaged = () => unpack({ ...library, brotli }, dir);
      assertThrows(damaged, LibraryError, "its hash does not match");
    }
    assertEquals(readdirSync(dir), []);
    writeFileSync(join(dir, "file"), "");
    assertThrows(() => unpack(library, join(dir, "file", "x")), LibraryError, "Cannot unpack");
  });
});

test("unpack() takes no link for the library, wherever that leads", () => {
  withFolder((dir) => {
    const elsewhere = join(dir, "elsewhere");
    writeFileSync(elsewhere, bytes);
    const folder = join(dir, "cache");
    mkdirSync(folder, { mode: 0o700 });
    symlinkSync(elsewhere, join(folder, `${library.sha256}.so`));
    const path = unpack(library, folder);
    assertEquals(lstatSync(path).isSymbolicLink(), false);
    writeFileSync(elsewhere, "exchanged");
    assertEquals(readFileSync(path).equals(bytes), true);
  });
});

test("unpack() takes others' right to write into the folder away", () => {
  withFolder((dir) => {
    chmodSync(dir, 0o777);
    unpack(library, dir);
    assertEquals(statSync(dir).mode & 0o777, 0o700);
  });
});

const isRoot = process.getuid?.() === 0;
test("unpack() refuses another user's folder, link and file", {
  skip: !isRoot && "only root can give files away",
}, () => {
  withFolder((dir) => {
    const theirs = join(dir, "theirs");
    mkdirSync(theirs, { mode: 0o777 });
    chownSync(theirs, 65534, 65534);
    const refused = (folder: string) =>
      assertThrows(
        () => unpack(library, folder),
        LibraryError,
        "the folder belongs to another user; set XDG_CACHE_HOME to a folder of your own",
      );
    refused(theirs);
    assertEquals(readdirSync(theirs), []);

    const link = join(dir, "link");
    mkdirSync(join(dir, "own"), { mode: 0o700 });
    symlinkSync(join(dir, "own"), link);
    assertEquals(unpack(library, link), join(link, `${library.sha256}.so`)); // one's own may be a link
    const { status } = spawnSync("chown", ["-h", "65534:65534", link]);
    assertEquals(status, 0);
    refused(link);

    const file = unpack(library, join(dir, "cache"));
    chownSync(file, 65534, 65534);
    assertEquals(statSync(unpack(library, join(dir, "cache"))).uid, 0);
  });
});

test("unpack() by four processes at once leaves one whole file", async () => {
  const dir = mkdtempSync(join(tmpdir(), "vmem-unpack-"));
  try {
    const carried = join(dir, "carried.so");
    writeFileSync(carried, randomBytes(2 ** 20));
    const words = program("children/unpack.ts", carried, join(dir, "cache"));
    const paths = await Promise.all(Array.from({ length: 4 }, () => start(words)));
    assertEquals(new Set(paths).size, 1, paths.join());
    assertEquals(readFileSync(paths[0]!).equals(readFileSync(carried)), true);
    assertEquals(readdirSync(join(dir, "cache")).length, 1);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

/** What a program prints. */
function start([command = "", ...rest]: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      command,
      rest,
      (error, stdout) => error === null ? resolve(stdout.trim()) : reject(error),
    );
  });
}

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
