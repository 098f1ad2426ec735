/** Workers that search parts of an index at the same time. They share its rows: only queries and results are sent. */
import type { Shape } from "./pool_index.ts";
import { Nearest, type Neighbour } from "./nearest.ts";

/** What a worker is asked, after the shape of the index: every `step`-th segment from the `first` on. */
export interface Question {
  readonly query: Float32Array;
  readonly k: number;
  readonly first: number;
  readonly step: number;
}

interface WorkerLike {
  onmessage: (event: { readonly data: readonly Neighbour[] }) => void;
  onerror: (event: { readonly message: string }) => void;
  postMessage(message: Shape | Question): void;
  terminate(): void;
}

export class Searchers implements Disposable {
  readonly #workers: readonly WorkerLike[];

  private constructor(workers: readonly WorkerLike[]) {
    this.#workers = workers;
  }

  /** So many workers that have attached the pool. While they search, nobody adds or deletes. */
  static async start(shape: Shape, count: number): Promise<Searchers> {
    const { Worker } = globalThis as unknown as {
      Worker: new (url: string, options: { type: "module" }) => WorkerLike;
    };
    const file = new URL("./worker.ts", import.meta.url).href;
    const workers = Array.from({ length: count }, () => new Worker(file, { type: "module" }));
    const searchers = new Searchers(workers);
    try {
      await Promise.all(workers.map((worker) => ask(worker, shape)));
    } catch (error) {
      searchers[Symbol.dispose]();
      throw error;
    }
    return searchers;
  }

  /** The same as the index finds itself. */
  async search(query: Float32Array, k: number): Promise<Neighbour[]> {
    const step = this.#workers.length;
    const found = await Promise.all(
      this.#workers.map((worker, first) => ask(worker, { query, k, first, step })),
    );
    const nearest = new Nearest(k);
    for (const { id, score } of found.flat()) nearest.offer(id, score);
    return nearest.list();
  }

  [Symbol.dispose](): void {
    for (const worker of this.#workers) worker.terminate();
  }
}

function ask(worker: WorkerLike, message: Shape | Question): Promise<readonly Neighbour[]> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(message);
  });
}
