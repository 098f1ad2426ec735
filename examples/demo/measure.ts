/** What the demo measures: time by steps, and the JavaScript heap after a collection. */
import process from "node:process";
import v8 from "node:v8";
import vm from "node:vm";
import type { Index } from "./index.ts";
import { type Text, WORD } from "./text.ts";

/** Insertions in a step: the longest step is what a user of the program would notice as a pause. */
export const STEP = 1000;

export interface BuildTime {
  readonly total: number;
  readonly longestStep: number;
}

/** Inserts all words of a text, step by step; times are in milliseconds. */
export function build(index: Index, text: Text, progress: (part: number) => void): BuildTime {
  const count = text.words.length / WORD;
  let total = 0;
  let longestStep = 0;
  for (let from = 0; from < count; from += STEP) {
    const start = performance.now();
    index.insert(text, from, Math.min(from + STEP, count));
    const time = performance.now() - start;
    total += time;
    if (time > longestStep) longestStep = time;
    progress((from + STEP) / count);
  }
  return { total, longestStep };
}

/** The least of each figure. */
export function best(times: readonly BuildTime[]): BuildTime {
  return {
    total: Math.min(...times.map((time) => time.total)),
    longestStep: Math.min(...times.map((time) => time.longestStep)),
  };
}

/** Bytes of live objects on the JavaScript heap: what is unreachable is collected first. */
export const heapUsed: () => number = process.versions.bun === undefined ? heapOfV8() : heapOfBun();

function heapOfV8(): () => number {
  v8.setFlagsFromString("--expose-gc"); // V8 shows its collector to scripts only when asked
  const collect: unknown = vm.runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("This runtime does not allow a collection");
  return () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
}

/** Bun adds memory that is elsewhere, a pool's too, to the size of its heap; it is subtracted here. */
function heapOfBun(): () => number {
  const jsc = process.getBuiltinModule("bun:jsc") as unknown as {
    fullGC(): void;
    heapStats(): { heapSize: number; extraMemorySize: number };
  };
  return () => {
    jsc.fullGC();
    const { heapSize, extraMemorySize } = jsc.heapStats();
    return heapSize - extraMemorySize;
  };
}
