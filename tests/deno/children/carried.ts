/** Run by jsr.ts, in a project that has the package over http: `carried.ts` allocates, `carried.ts child` starts a program. */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { pointer, Pool, struct } from "@vmem/vmem";
import { vmmallocEnv } from "@vmem/vmem/vmmalloc";

function everything(): boolean {
  using pool = Pool.create({ dir: "/tmp", maxSize: "64MiB" });
  const array = pool.resize(pool.alloc(Float64Array, 10).fill(1), 20);
  const at = pool.malloc(64);
  pool.view(Uint8Array, at, 64).fill(7);
  const Node = struct({ key: "u32", next: pointer(() => Node) });
  const head = pool.make(Node, { key: 7 });
  head.next = pool.make(Node, { key: 8 });
  return array[9] === 1 && pool.view(Uint32Array, at, 1)[0] === 0x07070707 && head.next.key === 8;
}

/** Whether a child has the library, and memory in the library's pool. */
function child(): boolean {
  const env = vmmallocEnv({ dir: "/tmp", size: "64MiB" });
  const { stdout } = spawnSync("cat", ["/proc/self/maps"], { env, encoding: "utf8" });
  return stdout.includes(env.LD_PRELOAD!) && /\/tmp\/.*\(deleted\)/.test(stdout);
}

const result = process.argv[2] === "child" ? child() : everything();
console.log(result ? "everything works" : "something is wrong");
