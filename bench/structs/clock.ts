/**
 * Clocks that stand still while other programs have the processor. The runtimes have none that is fine enough: that of
 * one thread goes in steps of 4 to 10 ms.
 */
import { currentRuntime } from "../../src/runtime.ts";
import { buildClockLibrary } from "../peers.ts";

const functions = currentRuntime().open(buildClockLibrary(), {
  bench_process_time: { parameters: [], result: "f64" },
  bench_thread_time: { parameters: [], result: "f64" },
});

/** Nanoseconds that the threads of this process have had a processor, the collector's among them. */
export const processTime: () => number = functions.bench_process_time;

/** Nanoseconds that this thread has had one. */
export const threadTime: () => number = functions.bench_thread_time;
