/** Run by storage_test.ts on a file system of 16 MiB: what pools say of the room left there is so. Prints "ok" at the end. */
import { strict as assert } from "node:assert";
import { statfsSync, writeFileSync } from "node:fs";
import process from "node:process";
import { OutOfMemoryError, type Pointer, Pool } from "../../../mod.ts";
import { MiB } from "../support.ts";

const dir = process.argv[2] ?? "";
const page = 4096;

function free(): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

function failure(pool: Pool, size: number): OutOfMemoryError {
  try {
    pool.malloc(size);
  } catch (error) {
    if (error instanceof OutOfMemoryError) return error;
    throw error;
  }
  throw new Error(`${size} bytes were allocated`);
}

/** The block that is said to be the largest is to be had, and no larger one. */
function expectTrue(pool: Pool, error: OutOfMemoryError): void {
  const { available, largestFree } = error;
  assert.ok(largestFree <= available, `${largestFree} of ${available}`);
  if (largestFree > 0) pool.free(pool.malloc(largestFree));
  // What begins in a granule that is in use needs less than whole ones: up to one more may be found.
  const more = failure(pool, largestFree + 2 * MiB);
  assert.equal(more.largestFree, largestFree);
}

{
  using pool = Pool.create({ dir, maxSize: "1GiB" });
  const { available, largestFree, storageLeft, fileBytes } = pool.stats();
  assert.equal(storageLeft, free());
  assert.equal(fileBytes, 0);
  assert.ok(available <= storageLeft && available > 12 * MiB, `${available} of ${storageLeft}`);
  assert.equal(largestFree, available);
  const error = failure(pool, 64 * MiB);
  assert.equal(error.lacks, "storage");
  assert.match(
    error.message,
    /^Cannot .*: the file system has \d+ bytes left, with them the pool has/,
  );
  expectTrue(pool, error);

  // In pieces: blocks of several sizes, every third of them freed.
  const blocks: Pointer[] = [];
  for (let i = 0; !pool.isLow(MiB); i += 1) blocks.push(pool.malloc(page * (1 + (i * 37) % 90)));
  assert.ok(pool.stats().available < MiB);
  for (let i = 0; i < blocks.length; i += 3) pool.free(blocks[i] as Pointer);
  assert.ok(!pool.isLow(MiB), "a third of the blocks was freed");
  expectTrue(pool, failure(pool, 12 * MiB));
  // A long free piece whose middle has storage.
  for (const at of blocks.slice(10, 60)) if (pool.owns(at)) pool.free(at);
  expectTrue(pool, failure(pool, 12 * MiB));

  // Somebody else takes the room.
  pool.trim();
  const before = pool.stats().available;
  const taken = Math.floor(free() / 2);
  writeFileSync(`${dir}/other`, new Uint8Array(taken));
  const after = pool.stats().available;
  assert.ok(
    after <= before - taken + 2 * MiB,
    `${after} of ${before} bytes after ${taken} were taken`,
  );
  assert.equal(pool.isLow(after), false);
  assert.equal(pool.isLow(after + 1), true);
  expectTrue(pool, failure(pool, 12 * MiB));
  assert.ok(pool.check());
}
{
  using pool = Pool.create({ dir, maxSize: "4MiB" });
  writeFileSync(`${dir}/other`, "");
  const error = failure(pool, 5 * MiB);
  assert.equal(error.lacks, "limit");
  expectTrue(pool, error);
}
{
  // A cache between two pools of one file system stays out of trouble.
  using pool = Pool.create({ dir });
  using other = Pool.create({ dir });
  const entries: Pointer[] = [];
  for (let i = 0; i < 2000; i += 1) {
    while (pool.isLow(4 * MiB) && entries.length > 0) pool.free(entries.shift() as Pointer);
    entries.push(pool.malloc(50_000));
    if (i % 500 === 0) other.malloc(MiB / 2);
  }
  assert.ok(entries.length > 50, `${entries.length} entries`);
}
console.log("ok");
