// A program of a user of the npm package: no paths of this repository, only what was installed.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { pointer, Pool, struct } from "vmem";
import { vmmallocEnv } from "vmem/vmmalloc";

{
  using pool = Pool.create({ maxSize: "64MiB" });
  const at = pool.malloc(64);
  pool.view(Uint32Array, at, 16).fill(7);
  assert.deepEqual([...pool.view(Uint32Array, at, 2)], [7, 7]);
  pool.free(at);

  const numbers = pool.alloc(Float64Array, 1000);
  numbers[999] = 0.5;
  const more = pool.resize(numbers, 2000);
  assert.equal(more[999], 0.5);
  pool.free(more);
  assert.equal(more.length, 0);

  const Node = struct({ key: "u32", value: "f64", next: pointer(() => Node) });
  const head = pool.make(Node, { key: 7, value: 0.5 });
  head.next = pool.make(Node, { key: 8, value: 1.5 });
  assert.equal(head.next.value, 1.5);
}

const env = vmmallocEnv({ dir: "/tmp", size: "64MiB" });
assert.match(env.LD_PRELOAD, /libvmmalloc\.so\.1/);
assert.ok(env.LD_PRELOAD.includes("node_modules") && existsSync(env.LD_PRELOAD.split(":")[0]));
const child = spawnSync("sort", ["-n"], {
  env: { ...process.env, ...env, VMMALLOC_LOG_STATS: "1" },
  input: "10\n9\n",
  encoding: "utf8",
});
assert.equal(child.stdout, "9\n10\n");
assert.equal(child.status, 0);
console.log("the example ran");
