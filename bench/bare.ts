/** Native functions that do nothing, opened in the way the package opens its own. */
import { currentRuntime } from "../src/runtime.ts";
import { buildBareLibrary } from "./peers.ts";

const table = {
  bench_bare_malloc: { parameters: ["f64", "f64"], result: "f64" },
  bench_bare_free: { parameters: ["f64", "f64"], result: "i32" },
} as const;

const functions = currentRuntime().open(buildBareLibrary(), table);

/** Has the signature of the native function behind `malloc`. Bound to the module: a call site sees one function. */
export const bareMalloc: (handle: number, size: number) => number = functions.bench_bare_malloc;

/** Has the signature of the native function behind `free`. */
export const bareFree: (handle: number, pointer: number) => number = functions.bench_bare_free;
