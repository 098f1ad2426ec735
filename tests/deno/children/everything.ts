/** Run by permissions.ts: an array, a pointer, a view, bulk calls, statistics. */
import { Pool } from "../../../mod.ts";

using pool = Pool.create({ dir: "/tmp", maxSize: "64MiB" });
const array = pool.resize(pool.alloc(Float64Array, 10).fill(1), 20);
const at = pool.malloc(64);
pool.view(Uint8Array, at, 64).set(new Uint8Array(array.buffer, 0, 64));
const copy = new Float64Array(8);
pool.read(at, copy);
pool.freeMany(pool.mallocMany(100, 100));
pool.free(at);
pool.free(array);
const whole = copy.every((each) => each === 1) && pool.stats().allocated === 0 && pool.check();
console.log(whole ? "everything works" : "something is wrong");
