/** The Node-API side of the library, which is the same on every runtime. */
import process from "node:process";
import type { Buffers } from "../runtime.ts";

interface AddonLoader {
  dlopen(module: { exports: unknown }, path: string): void;
}

/** What the file gives as an addon. */
export interface NodeApi extends Buffers {
  /** From now on the end of this isolate ends what its thread has attached. */
  follow(): void;
}

/** Opens the file a second time as an addon; both sides are one instance in the process. */
export function openNodeApi(path: string): NodeApi {
  const module: { exports: unknown } = { exports: {} };
  (process as unknown as AddonLoader).dlopen(module, path);
  return module.exports as NodeApi;
}
