/**
 * Makes the suite run on Node: `node --import ./tests/node/register.ts --test …`. Resolves the names of the import map, and
 * gives Node the web's `Worker`, which Deno and Bun have and the tests use.
 */
import { registerHooks } from "node:module";
import process from "node:process";
import { isMainThread, parentPort, Worker as Thread } from "node:worker_threads";

const names: Readonly<Record<string, string>> = {
  "@std/assert": new URL("../assert.ts", import.meta.url).href,
  "@vmem/vmem": new URL("../../mod.ts", import.meta.url).href,
  "@vmem/vmem/vmmalloc": new URL("../../src/vmmalloc.ts", import.meta.url).href,
};

registerHooks({
  resolve: (name, context, next) => next(names[name] ?? name, context),
});

type Listener = (event: { data: unknown; message?: string }) => void;

/** The part of the web's Worker that the tests use, over `node:worker_threads`. */
class WebWorker {
  onmessage: Listener | null = null;
  onerror: Listener | null = null;
  readonly #thread: Thread;

  constructor(url: string) {
    this.#thread = new Thread(new URL(url));
    this.#thread.on("message", (data: unknown) => this.onmessage?.({ data }));
    this.#thread.on("error", (error: Error) => {
      this.onerror?.({ data: undefined, message: error.message });
    });
  }

  postMessage(value: unknown, transfer: ArrayBuffer[] = []): void {
    this.#thread.postMessage(value, transfer);
  }

  terminate(): void {
    void this.#thread.terminate();
  }
}

/** What a worker finds around it on the web: `onmessage`, `postMessage` and `close`. */
function serveWorker(port: NonNullable<typeof parentPort>): void {
  let listener: Listener | null = null;
  const deliver = (data: unknown): void => listener?.({ data });
  Object.defineProperty(globalThis, "onmessage", {
    get: () => listener,
    set: (next: Listener | null) => {
      if (listener === null && next !== null) port.on("message", deliver);
      if (listener !== null && next === null) port.off("message", deliver);
      listener = next;
    },
  });
  Object.assign(globalThis, {
    self: globalThis,
    postMessage: (value: unknown, transfer: ArrayBuffer[] = []) =>
      port.postMessage(value, transfer),
    close: () => process.exit(0),
  });
}

Object.assign(globalThis, { Worker: WebWorker });
if (!isMainThread && parentPort !== null) serveWorker(parentPort);
