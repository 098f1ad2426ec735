/** A worker for tests: attaches the pool of its first message and does what it is told. */
import process from "node:process";
import { type Pointer, Pool, type PoolToken, VmemError } from "../../../mod.ts";

interface WorkerScope {
  onmessage: ((event: { data: Order }) => void) | null;
  postMessage(value: unknown, transfer?: unknown[]): void;
  close?(): void;
}

/** What the test wants done. */
export type Order =
  | { readonly do: "attach"; readonly token: PoolToken }
  | { readonly do: "allocate"; readonly count: number }
  | { readonly do: "free"; readonly pointers: Pointer[] }
  | { readonly do: "add"; readonly at: Pointer; readonly rounds: number }
  | { readonly do: "lock"; readonly at: Pointer; readonly rounds: number }
  | { readonly do: "wait"; readonly at: Pointer; readonly expected: number }
  | { readonly do: "answer"; readonly at: Pointer; readonly rounds: number }
  | { readonly do: "copy"; readonly at: Pointer }
  | { readonly do: "look"; readonly at: Pointer }
  | { readonly do: "create" | "detach" | "make array" | "leave" | "throw" };

const scope = globalThis as unknown as WorkerScope;
let pool: Pool | undefined;
let seen = new Uint8Array(0);

function shared(): Pool {
  if (pool === undefined) throw new Error("not attached");
  return pool;
}

function follow(order: Order): unknown {
  switch (order.do) {
    case "attach":
      pool = Pool.attach(order.token);
      return "attached";
    case "create":
      pool = Pool.create({ maxSize: "64MiB" });
      return pool.token;
    case "detach":
      shared().close();
      return "detached";
    case "make array":
      seen = shared().alloc(Uint8Array, 1000);
      return seen.length;
    case "allocate":
      return Array.from({ length: order.count }, (_, index) => {
        const at = shared().malloc(64);
        shared().view(Float64Array, at, 8).fill(index);
        return at;
      });
    case "free":
      for (const at of order.pointers) shared().free(at);
      return "freed";
    case "add": {
      const words = shared().view(Int32Array, order.at, 1);
      for (let round = 0; round < order.rounds; round += 1) Atomics.add(words, 0, 1);
      return "added";
    }
    case "lock": {
      // A lock in the first word guards the plain number in the second.
      const words = shared().view(Int32Array, order.at, 2);
      for (let round = 0; round < order.rounds; round += 1) {
        while (Atomics.compareExchange(words, 0, 0, 1) !== 0) shared().wait(order.at, 1);
        words[1] = (words[1] ?? 0) + 1;
        Atomics.store(words, 0, 0);
        shared().notify(order.at, 1);
      }
      return "locked";
    }
    case "wait":
      try {
        return shared().wait(order.at, order.expected);
      } catch (error) {
        return error instanceof VmemError ? error.code : String(error);
      }
    case "answer": {
      const words = shared().view(Int32Array, order.at, 1);
      for (let round = 0; round < order.rounds; round += 1) {
        while (Atomics.load(words, 0) === 2 * round) shared().wait(order.at, 2 * round);
        Atomics.store(words, 0, 2 * round + 2);
        shared().notify(order.at);
      }
      return "answered";
    }
    case "copy": {
      // What needs no view.
      const bytes = new Uint8Array(8);
      shared().read(order.at, bytes);
      bytes[0] = (bytes[0] ?? 0) + 1;
      shared().write(order.at, bytes);
      shared().free(shared().malloc(1000));
      shared().freeMany(shared().mallocMany(64, 10));
      return bytes[0];
    }
    case "look":
      // First the view that was made before, if there is one, then a call.
      if (seen.length === 0) seen = shared().view(Uint8Array, order.at, 16);
      try {
        const before = seen[0];
        return [before, shared().owns(order.at), seen.length];
      } catch (error) {
        return [error instanceof VmemError ? error.code : String(error), seen.length];
      }
    case "leave":
      setTimeout(leave, 1);
      return "leaving";
    case "throw":
      shared().malloc(100);
      throw new Error("on purpose");
  }
}

/** Returns from the worker; Bun's have no `close`. */
function leave(): void {
  if (scope.close === undefined) process.exit(0);
  scope.close();
}

scope.onmessage = ({ data }): void => scope.postMessage(follow(data));
