/** A worker for lives_test.ts: keeps what it is sent and answers questions about it. */
import { Pool } from "../../../mod.ts";

interface WorkerScope {
  onmessage: ((event: { data: Question }) => void) | null;
  postMessage(value: unknown, transfer?: unknown[]): void;
}

/** What the test asks. */
export type Question =
  | { readonly ask: "keep"; readonly array: Uint8Array<ArrayBuffer> }
  | { readonly ask: "report" | "return" | "leave open" | "churn" };

const scope = globalThis as unknown as WorkerScope;
let kept = new Uint8Array(0);

function answer(question: Question): void {
  switch (question.ask) {
    case "keep":
      kept = question.array;
      return scope.postMessage([kept.length, kept[0]]);
    case "report":
      return scope.postMessage([kept.length, kept[0], kept[kept.length - 1]]);
    case "return":
      return scope.postMessage(kept, [kept.buffer]);
    case "leave open": {
      const pool = Pool.create({ maxSize: "64MiB" });
      pool.alloc(Uint8Array, 1000).fill(1);
      pool.view(Uint8Array, pool.malloc(1000), 1000).fill(2);
      return scope.postMessage("open");
    }
    case "churn": {
      for (let round = 0; round < 50; round += 1) {
        using pool = Pool.create({ maxSize: "64MiB" });
        const many = pool.mallocMany(100, 1000);
        pool.alloc(Uint8Array, 100_000).fill(round);
        pool.freeMany(many);
      }
      return scope.postMessage("churned");
    }
  }
}

scope.onmessage = ({ data }): void => answer(data);
