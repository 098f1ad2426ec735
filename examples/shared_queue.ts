// deno-lint-ignore-file no-console -- a program, not a library
/**
 * A queue between workers in a pool: jobs are structs with text, and only their pointers go from thread to thread.
 *
 *     deno run --allow-ffi --allow-read --allow-env examples/shared_queue.ts [JOBS]
 *     bun examples/shared_queue.ts [JOBS]
 */
import process from "node:process";
import { type Pointer, Pool } from "@vmem/vmem";
import type { Done, Task } from "./shared_queue/job.ts";
import { SharedQueue } from "./shared_queue/queue.ts";

const PUTTERS = 2;
const TAKERS = 2;

async function main(): Promise<void> {
  const jobs = Number(process.argv[2] ?? 100_000);
  if (!Number.isInteger(jobs) || jobs < 1) {
    console.error(`"${process.argv[2]}" is no number of jobs`);
    process.exitCode = 2;
    return;
  }
  using pool = Pool.create({ size: "4MiB" }); // small: that the queue is bounded keeps the jobs few
  const queue = SharedQueue.create(pool, 1024);
  const task: Task = { token: pool.token, queue: queue.pointer };
  const part = (number: number): number => Math.floor(jobs * number / PUTTERS);

  const start = performance.now();
  const takers = Array.from({ length: TAKERS }, () => run(task));
  await Promise.all(
    Array.from({ length: PUTTERS }, (_, i) => run({ ...task, jobs: [part(i), part(i + 1)] })),
  );
  for (let i = 0; i < TAKERS; i++) queue.put(0 as Pointer); // nothing comes any more
  const done = await Promise.all(takers);
  const time = performance.now() - start;

  const taken = done.map((each) => each.taken).join(" and ");
  const sum = done.reduce((sum, each) => sum + each.sum, 0);
  console.log(`${jobs} jobs in ${time.toFixed(0)} ms; the takers had ${taken}`);
  console.log(`The numbers' sum is ${sum}, and ought to be ${jobs * (jobs - 1) / 2}`);
  pool.free(queue.pointer);
  console.log(`${pool.stats().allocated} bytes are left in the pool`);
}

interface WorkerLike {
  onmessage: (event: { readonly data: Done }) => void;
  onerror: (event: { readonly message: string }) => void;
  postMessage(task: Task): void;
  terminate(): void;
}

/** Gives a worker its task, and ends it when it is done. */
function run(task: Task): Promise<Done> {
  const { Worker } = globalThis as unknown as {
    Worker: new (url: string, options: { type: "module" }) => WorkerLike;
  };
  const file = new URL("./shared_queue/worker.ts", import.meta.url).href;
  const worker = new Worker(file, { type: "module" });
  return new Promise<Done>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(task);
  }).finally(() => worker.terminate());
}

if (import.meta.main) await main();
