/**
 * Run by growing_test.ts: many growing pools at once, then so many that descriptors, or addresses, run out. Prints "ok" at the end.
 * The arguments: how many, and "descriptors" or "addresses" for what is limited.
 */
import { strict as assert } from "node:assert";
import { existsSync, readdirSync } from "node:fs";
import process from "node:process";
import { type Pointer, Pool, VmemError } from "../../../mod.ts";

const count = Number(process.argv[2]);
const limited = process.argv[3];
const MiB = 2 ** 20;

const descriptors = (): number => readdirSync("/proc/self/fd").length;

function use(pool: Pool, number: number): Pointer {
  const at = pool.calloc(1, 64);
  pool.fill(at, number % 256, 64);
  return at;
}

const dir = existsSync("/dev/shm") ? "/dev/shm" : "/tmp";
Pool.create({ dir }).close();
const before = descriptors();
const pools: Pool[] = [];
let error: unknown;
try {
  while (pools.length < count) pools.push(Pool.create({ dir }));
} catch (caught) {
  error = caught;
}
if (limited === "descriptors") {
  assert.ok(error instanceof VmemError && error.code === "EMFILE", String(error));
  assert.match(
    error.message,
    /Too many open files \(RLIMIT_NOFILE: \d+ descriptors; a growing pool keeps one\)$/,
  );
  assert.ok(pools.length > 100, `${pools.length} pools`);
} else {
  assert.equal(error, undefined, `${error} after ${pools.length} pools`);
}
// Each that is used takes 2 MiB: some hold their block, others give all back.
const used = pools.filter((_, i) => i % 4 === 0);
const held = used.map((pool, i) => {
  const at = use(pool, i);
  if (i % 4 === 0) return at;
  pool.free(at);
  assert.equal(pool.trim(), 2 * MiB);
  return 0;
});
const sizes = pools.map((pool) => pool.stats().mapped);
assert.ok(Math.min(...sizes) >= 2 * MiB);
// Half of the address space is left to others.
const sum = sizes.reduce((a, b) => a + b, 0);
assert.ok(sum <= 2 ** 46 + 2 ** 44, `${sum / 2 ** 40} TiB`);
for (const [i, pool] of used.entries()) {
  assert.equal(pool.stats().allocated, held[i] === 0 ? 0 : 64);
  if (held[i] !== 0) assert.equal(pool.find(held[i] as Pointer, 64, i % 256), 0);
}
assert.ok(pools.at(-1)?.check());
for (const pool of pools) pool.close();
assert.equal(descriptors(), before);
using again = Pool.create({ dir });
use(again, 1);
console.log("ok");
