/** The garbage collectors of both runtimes: asked to collect, and what they keep. */
import process from "node:process";
import { processTime } from "./clock.ts";

interface Collector {
  /** Collects all garbage now. */
  readonly collect: () => void;
  /** Bytes of the JavaScript heap in use, without memory that lies elsewhere. */
  readonly heapUsed: () => number;
}

/**
 * What Deno needs to be started with, so that a program may collect. (V8 can also be told so by the program itself, but
 * then every number written to a field of a plain object was a new one on the heap: updates took ten times as long.)
 * Code that was not used between some collections is kept: a candidate's turn is yet to come.
 */
export const v8Flags = "--v8-flags=--expose-gc,--no-flush-bytecode";

/** Nothing is ever written to it: waiting for a change is sleeping. */
const still = new Int32Array(new SharedArrayBuffer(4));

/** Sleeps until the engine's other threads have nothing more to sweep or compile. */
function settle(): void {
  const milliseconds = 4;
  for (let busy = Infinity; busy > 1e5;) {
    const start = processTime();
    Atomics.wait(still, 0, 0, milliseconds);
    busy = processTime() - start;
  }
}

const collector: Collector = process.versions.bun === undefined ? ofV8() : ofJavaScriptCore();

/** Collects all garbage. On a Deno that was started without {@linkcode v8Flags}, as in the tests, it does not. */
export const collect: () => void = collector.collect;

/** The same, and whatever comes next is not charged for what the engine's threads still had to do. */
export function collectAndSettle(): void {
  collector.collect();
  settle();
}

export const heapUsed: () => number = collector.heapUsed;

function ofV8(): Collector {
  const { gc } = globalThis as { gc?: () => void };
  return { collect: () => gc?.(), heapUsed: () => process.memoryUsage().heapUsed };
}

/** Bun adds memory that is elsewhere, a pool's too, to the size of its heap; it is subtracted here. */
function ofJavaScriptCore(): Collector {
  const jsc = process.getBuiltinModule("bun:jsc") as unknown as {
    fullGC(): void;
    heapStats(): { heapSize: number; extraMemorySize: number };
  };
  const heapUsed = (): number => {
    const { heapSize, extraMemorySize } = jsc.heapStats();
    return heapSize - extraMemorySize;
  };
  return { collect: () => jsc.fullGC(), heapUsed };
}
