/** A worker for leaks_test.ts: allocates in a pool that it attaches, and says where the last block is. */
import { Pool, type PoolToken } from "../../../mod.ts";

interface WorkerScope {
  onmessage: ((event: { data: { readonly token: PoolToken } }) => void) | null;
  postMessage(value: unknown): void;
}

const scope = globalThis as unknown as WorkerScope;

function inTheWorker(pool: Pool): number {
  let last = 0;
  for (let index = 0; index < 5; index += 1) last = pool.malloc(1000);
  return last;
}

scope.onmessage = ({ data }): void => {
  using pool = Pool.attach(data.token);
  const last = inTheWorker(pool);
  scope.postMessage(last);
};
