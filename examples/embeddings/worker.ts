/** A worker of the example: first it is told where the index is, then it searches parts of it. */
import { Pool } from "@vmem/vmem";
import type { Neighbour } from "./nearest.ts";
import { PoolIndex, type Shape } from "./pool_index.ts";
import type { Question } from "./searchers.ts";

const scope = globalThis as unknown as {
  onmessage: (event: { readonly data: Shape | Question }) => void;
  postMessage(found: readonly Neighbour[]): void;
};

let index: PoolIndex;

scope.onmessage = ({ data }) => {
  if ("query" in data) {
    scope.postMessage(index.search(data.query, data.k, data.first, data.step));
  } else {
    const pool = Pool.attach(data.token); // until this worker ends
    index = new PoolIndex(pool, data.dimensions, data.segments);
    scope.postMessage([]);
  }
};
