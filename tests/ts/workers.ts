/** Workers for tests: started from a file in `children`, asked questions. */
import { assertEquals } from "@std/assert";
import type { Pointer, Pool } from "../../mod.ts";
import type { Order } from "./children/sharing.ts";
import { turn } from "./support.ts";

/** The part of the web's Worker that is used here. */
export interface WorkerLike {
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: ((event: { message?: string; preventDefault?(): void }) => void) | null;
  postMessage(value: unknown, transfer?: unknown[]): void;
  terminate(): void;
}

export function startWorker(file: string): WorkerLike {
  const { Worker } = globalThis as unknown as {
    Worker: new (url: string, options: { type: "module" }) => WorkerLike;
  };
  return new Worker(new URL(`./children/${file}`, import.meta.url).href, { type: "module" });
}

/** The next thing that the worker says after a question. */
export function ask(
  worker: WorkerLike,
  question: unknown,
  transfer: unknown[] = [],
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }): void => resolve(data);
    worker.onerror = (event): void => {
      event.preventDefault?.(); // else Deno ends the process
      reject(new Error(event.message ?? "the worker failed"));
    };
    worker.postMessage(question, transfer);
  });
}

/** Has a worker of `children/sharing.ts` do something. */
export function tell(worker: WorkerLike, order: Order): Promise<unknown> {
  return ask(worker, order);
}

/** A worker that has attached the pool. */
export async function attached(pool: Pool): Promise<WorkerLike> {
  const worker = startWorker("sharing.ts");
  assertEquals(await tell(worker, { do: "attach", token: pool.token }), "attached");
  return worker;
}

/** Runs with workers that have attached the pool, and ends them. */
export async function withWorkers(
  pool: Pool,
  count: number,
  use: (workers: readonly WorkerLike[]) => Promise<void>,
): Promise<void> {
  const workers: WorkerLike[] = [];
  try {
    for (let index = 0; index < count; index += 1) workers.push(await attached(pool));
    await use(workers);
  } finally {
    for (const worker of workers) worker.terminate();
  }
}

/** Wakes until so many were woken. */
export async function untilWoken(pool: Pool, at: Pointer, count: number): Promise<void> {
  for (let woken = 0; woken < count; woken += pool.notify(at)) await turn(1);
}
