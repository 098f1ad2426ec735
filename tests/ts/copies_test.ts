/** Several copies of the package in one isolate: reloaded modules, or two installed versions. */
import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as own from "../../mod.ts";
import { openLibrary } from "../../src/library.ts";
import { collectUntil } from "./support.ts";

type Package = typeof own;

const root = fileURLToPath(new URL("../..", import.meta.url));
own.Pool.create().close();
const library = openLibrary().path;
let folder = "";

before(() => {
  folder = mkdtempSync(join(tmpdir(), "vmem-copies-"));
  copyFileSync(library, join(folder, "other.so"));
});

after(() => rmSync(folder, { recursive: true }));

/** A copy of the package's source, loaded, with a library of its own or this one's. */
async function load(name: string, file: string): Promise<Package> {
  const there = join(folder, name);
  for (const part of ["mod.ts", "src"]) {
    cpSync(join(root, part), join(there, part), {
      recursive: true,
      filter: (path) => !path.endsWith("_test.ts"),
    });
  }
  const copy = await import(pathToFileURL(join(there, "mod.ts")).href) as Package;
  assert(copy.Pool !== own.Pool, "it is another copy");
  copy.setLibrary(file);
  return copy;
}

test("a copy of the package with the same library shares pools by their tokens", async () => {
  const copy = await load("same", library);
  using pool = own.Pool.create({ maxSize: "64MiB" });
  const at = pool.calloc(1, 8);
  using shared = copy.Pool.attach(pool.token as never);
  shared.view(Float64Array, at as never, 1)[0] = 0.5;
  assertEquals(pool.view(Float64Array, at, 1)[0], 0.5);
  const more = shared.malloc(64);
  pool.free(more as never);
  const array = shared.alloc(Uint8Array, 100).fill(7);
  assertEquals(pool.stats().allocated > 100, true);
  shared.free(array);
});

test("a copy with a library of its own says that tokens and pools are another's", async () => {
  const copy = await load("other", join(folder, "other.so"));
  using pool = own.Pool.create({ maxSize: "64MiB" });
  using theirs = copy.Pool.create({ maxSize: "64MiB" });
  assertThrows(
    () => copy.Pool.attach(pool.token as never),
    TypeError,
    "of another copy of the native library",
  );
  const at = pool.calloc(1, 64);
  const place = theirs.malloc(64) as never;
  const text = "it was made by another copy of the package".replace("it", "the pool");
  assertThrows(() => pool.copy(at, place, 64, theirs as never), TypeError, text);

  const Node = copy.struct({ key: "u32", note: copy.string() });
  assertThrows(() => copy.fields(Node, pool as never), TypeError, text);
  assertThrows(() => pool.make(Node as never), TypeError, "is not a struct");
  const view = new Node(pool as never, at as never);
  view.key = 7; // only bytes, wherever they are
  assertThrows(() => view.note = "text", TypeError, text);
  assertEquals(pool.view(Uint32Array, at, 1)[0], 7);
  assertEquals([pool.check(), theirs.check()], [true, true]);
});

/** Open files of this process, and lines of its memory map. */
function counts(): { files: number; maps: number } {
  const maps = readFileSync("/proc/self/maps", "utf8").split("\n");
  return {
    files: readdirSync("/proc/self/fd").length,
    maps: maps.filter((line) => line.includes("(deleted)") || line.includes(".so")).length,
  };
}

test("four reloads leave no file and no mapping behind", async () => {
  const work = ({ Pool }: Package): void => {
    using pool = Pool.create({ maxSize: "64MiB" });
    pool.free(pool.alloc(Float64Array, 10).fill(1));
    pool.view(Uint8Array, pool.malloc(64), 64).fill(1);
  };
  work(await load("reload-first", library));
  const before = counts();
  for (let round = 0; round < 4; round += 1) work(await load(`reload-${round}`, library));
  await collectUntil(
    () => counts().files <= before.files && counts().maps <= before.maps,
    `files and mappings of before: ${JSON.stringify([before, counts()])}`,
  );
});
