/**
 * Prints whether V8 compiles on threads of its own: for a worker before the first pool, for one after it, and for the main
 * thread. Needs `--allow-natives-syntax`; the worker is this file, too.
 */
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { Pool } from "../../mod.ts";

function inWorker(): Promise<unknown> {
  return new Promise((resolve, reject) => {
    new Worker(new URL(import.meta.url)).on("message", resolve).on("error", reject);
  });
}

const answer = new Function("return %IsConcurrentRecompilationSupported()") as () => boolean;

if (isMainThread) {
  const before = await inWorker();
  Pool.create({ maxSize: "8MiB" }).close();
  console.log(before, await inWorker(), answer());
} else parentPort?.postMessage(answer());
