/** Run by storage_test.ts on a file system of 16 MiB: fills it from pools. Prints "ok" at the end. */
import { strict as assert } from "node:assert";
import { statfsSync, writeFileSync } from "node:fs";
import process from "node:process";
import { OutOfMemoryError, type Pointer, Pool, VmemError } from "../../../mod.ts";

const dir = process.argv[2] ?? "";
const MiB = 2 ** 20;

function free(): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

function fill(pool: Pool, size: number): Pointer[] {
  const blocks: Pointer[] = [];
  assert.throws(() => {
    for (;;) {
      const at = pool.malloc(size);
      // Would be SIGBUS if there were no storage behind it.
      pool.view(Uint8Array, at, size).fill(0x55);
      blocks.push(at);
    }
  }, OutOfMemoryError);
  return blocks;
}

const before = free();
assert.throws(() => Pool.create({ dir, size: "64MiB" }), { code: "ENOSPC" });
assert.equal(free(), before);

{
  using pool = Pool.create({ dir, maxSize: "1GiB" });
  const blocks = fill(pool, 64 * 1024);
  assert.ok(blocks.length * 64 * 1024 > 8 * MiB, `${blocks.length} blocks before it was full`);
  assert.throws(() => pool.alloc(Uint8Array, 32 * MiB), OutOfMemoryError);
  assert.ok(pool.check());

  // Another pool on the full file system is told at once, and the first one keeps working.
  using other = Pool.create({ dir, maxSize: "1GiB" });
  assert.throws(() => other.malloc(4 * MiB), OutOfMemoryError);
  for (const at of blocks) assert.equal(pool.view(Uint8Array, at, 1)[0], 0x55);
  pool.freeMany(blocks);
  pool.trim();
  assert.ok(free() > before - 3 * MiB, `${free()} of ${before} bytes free after trim`);
  other.free(other.malloc(4 * MiB));
  const again = fill(pool, 100);
  assert.ok(pool.check());
  pool.freeMany(again);

  // Somebody else takes the room.
  pool.trim();
  other.trim();
  writeFileSync(`${dir}/other`, new Uint8Array(free() - MiB));
  assert.throws(() => pool.malloc(8 * MiB), VmemError);
}
writeFileSync(`${dir}/other`, "");
assert.equal(free() >= before - 4096, true);
console.log("ok");
