/** A worker for tests/node/runtime.ts: tries to post an array that it made. */
import { Pool } from "../../../mod.ts";

interface WorkerScope {
  onmessage: (() => void) | null;
  postMessage(value: unknown, transfer?: unknown[]): void;
}

const scope = globalThis as unknown as WorkerScope;

scope.onmessage = (): void => {
  using pool = Pool.create({ maxSize: "8MiB" });
  const array = pool.alloc(Uint8Array, 1000).fill(7);
  try {
    scope.postMessage(array, [array.buffer]);
  } catch (error) {
    scope.postMessage([(error as Error).name, array.length, array[999]]);
  }
};
