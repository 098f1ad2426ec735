/** Run by hardening_test.ts: what a pool of a level does, or of the level that the environment says. */
import process from "node:process";
import { Pool, type PoolOptions } from "../../../mod.ts";

const [what, level] = process.argv.slice(2);
const options: PoolOptions = level === undefined
  ? {}
  : { hardening: Number(level) as 0 | 1 | 2 | 3 };
using pool = Pool.create({ maxSize: "64MiB", ...options });

if (what === "write") {
  const at = pool.malloc(100);
  pool.free(at);
  pool.view(Uint8Array, at, 100).fill(1, 10, 11);
  pool.check();
} else {
  const first = pool.malloc(100);
  pool.free(first);
  const second = pool.malloc(100);
  const words = [first === second ? "reused" : "held back"];
  pool.free(second);
  try {
    pool.free(second);
    words.push("does not notice");
  } catch {
    words.push("notices");
  }
  console.log(words.join(", "));
}
