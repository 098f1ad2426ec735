// What README.md of the npm package says about `bun build --compile`, as a program: the library travels inside the executable.
import library from "vmem/lib/linux-x64.so" with { type: "file" };
import { Pool, setLibrary } from "vmem";

setLibrary(library);
using pool = Pool.create({ maxSize: "64MiB" });
const array = pool.alloc(Float64Array, 1000);
array[999] = 0.5;
const at = pool.malloc(64);
pool.view(Uint32Array, at, 16).fill(7);
if (array[999] !== 0.5 || pool.view(Uint32Array, at, 2)[1] !== 7) throw new Error("wrong memory");
console.log("the executable ran");
