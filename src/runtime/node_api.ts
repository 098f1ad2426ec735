/** The Node-API side of the library, which is the same on every runtime. */
import process from "node:process";
import type { Buffers } from "../runtime.ts";

interface AddonLoader {
  dlopen(module: { exports: unknown }, path: string): void;
}

/** Opens the file a second time as an addon; both sides are one instance in the process. */
export function openNodeApi(path: string): Buffers {
  const module: { exports: unknown } = { exports: {} };
  (process as unknown as AddonLoader).dlopen(module, path);
  return module.exports as Buffers;
}
