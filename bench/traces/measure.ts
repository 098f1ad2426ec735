/** What a trace costs in pools of libvmem and in other allocators. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { libvmem, nativeStarts } from "../peers.ts";
import { median } from "../sampling.ts";
import { buildReplay } from "./native.ts";

const PAGE = 4096;
const MIN_POOL = 14 * 2 ** 20;

/** A process that replays one trace on request; replay.c describes the questions. */
export class Replay {
  readonly name: string;
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(
    name: string,
    words: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) {
    this.name = name;
    this.#process = spawn(buildReplay(), words, {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...environment },
    });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** On pools of a libvmem. */
  static onPool(trace: string, library: string = libvmem): Replay {
    return new Replay("vmem", [trace, "pool", library]);
  }

  /** On every other allocator that is installed, the C library's last. */
  static onPeers(trace: string): Replay[] {
    return nativeStarts("")
      .filter(({ words }) => words[0] === "malloc")
      .map(({ name, environment }) => new Replay(name, [trace, "malloc"], environment));
  }

  async ask(question: string): Promise<string> {
    this.#process.stdin.write(`${question}\n`);
    return await this.#line(question);
  }

  async askNumber(question: string): Promise<number> {
    return Number(await this.ask(question));
  }

  /** For questions whose answer ends with an empty line. */
  async askLines(question: string): Promise<string[]> {
    this.#process.stdin.write(`${question}\n`);
    const lines: string[] = [];
    for (;;) {
      const line = await this.#line(question);
      if (line === "") return lines;
      lines.push(line);
    }
  }

  async fits(size: number): Promise<boolean> {
    return await this.ask(`fit ${size}`) === "fits";
  }

  /** Ends the process, which leaves its loop at the end of its input. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#process.once("exit", () => resolve());
      this.#process.stdin.end();
    });
  }

  async #line(question: string): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`Asking "${this.name}" for "${question}" failed: it ended`);
    return value;
  }
}

/** The smallest pool, to a thousandth of the peak, that serves the trace. */
export async function smallestPool(replay: Replay, peak: number): Promise<number> {
  let fits = Math.max(MIN_POOL, 2 * peak);
  while (!await replay.fits(fits)) fits *= 2;
  let fails = Math.min(peak, MIN_POOL - PAGE);
  while (fits - fails > Math.max(PAGE, peak / 1000)) {
    const middle = Math.max(MIN_POOL, Math.round((fits + fails) / 2 / PAGE) * PAGE);
    if (middle === fits) break;
    if (await replay.fits(middle)) fits = middle;
    else fails = middle;
  }
  return fits;
}

/** Of one allocator. */
export interface Times {
  readonly name: string;
  /** Nanoseconds of CPU time for an event, the replayer's own included. */
  readonly ns: number;
  /** How much the resident memory grew by, in a process that had allocated nothing before; not for pools. */
  readonly growth: number | undefined;
}

export interface Figures {
  readonly program: string;
  readonly events: number;
  readonly peak: number;
  readonly pool: number;
  /** Usable bytes of the blocks at the peak. */
  readonly rounded: number;
  readonly times: readonly Times[];
}

/** All figures of one trace; with `rounds` of 0 without the times. */
export async function measureTrace(
  program: string,
  trace: string,
  rounds: number,
): Promise<Figures> {
  const pool = Replay.onPool(trace);
  const replays = [pool];
  try {
    const [events, peak] = (await pool.ask("trace")).split(" ").map(Number) as [number, number];
    // As much room as the others have, who take from the system what they need.
    const ample = Math.max(2 * MIN_POOL, 2 * peak);
    const rounded = await pool.askNumber(`round ${ample}`);
    const smallest = await smallestPool(pool, peak);
    if (rounds > 0) replays.push(...Replay.onPeers(trace));
    const times = await measureTimes(replays, ample, rounds);
    return { program, events, peak, pool: smallest, rounded, times };
  } finally {
    await Promise.all(replays.map((replay) => replay.stop()));
  }
}

async function measureTimes(
  replays: readonly Replay[],
  ample: number,
  rounds: number,
): Promise<Times[]> {
  if (rounds === 0) return [];
  const growths: (number | undefined)[] = [];
  for (const replay of replays) {
    growths.push(replay.name === "vmem" ? undefined : await replay.askNumber("grow"));
  }
  const samples: number[][] = replays.map(() => []);
  for (let round = -1; round < rounds; round += 1) { // the first warms up
    for (const [i, replay] of replays.entries()) {
      const ns = await replay.askNumber(`time ${ample}`);
      if (round >= 0) samples[i]!.push(ns);
    }
  }
  return replays.map(({ name }, i) => ({ name, ns: median(samples[i]!), growth: growths[i] }));
}
