/** Runs a program and looks, many times a second, where it and its children have their data. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import type { Outcome } from "./preload.ts";

/** Bytes in main memory. */
export interface Held {
  /** Of files below the folder of pools. */
  readonly pools: number;
  /** Anonymous memory: other heaps, stacks, data that was written, our records of the pools. */
  readonly other: number;
}

export interface Process extends Held {
  /** Its program, up to 15 characters. */
  readonly name: string;
}

export interface Watched {
  readonly outcome: Outcome;
  /** Of the process that had most, when it had most. */
  readonly largest: Process;
  readonly seconds: number;
}

export interface Watching {
  readonly cwd: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly input: string;
  /** Where the pools' files are; nothing else may be mapped from there. */
  readonly pools: string;
  /** The name of the process that is looked at, where it is not the largest. */
  readonly process?: string | undefined;
  /** Seconds until it and what it started are killed. */
  readonly limit: number;
}

const intervalMs = 40;

/** Runs it in a process group of its own, which is all that is looked at and killed. */
export async function watch(command: readonly string[], options: Watching): Promise<Watched> {
  const [program = "", ...words] = command;
  const begin = process.hrtime.bigint();
  const child = spawn(program, words, {
    cwd: options.cwd,
    env: options.environment,
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const ended = new Promise<number | string>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve(signal ?? status ?? -1));
  });
  child.stdin.on("error", () => {}); // It may end without reading.
  child.stdin.end(options.input);
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8");
    child[name].on("data", (more: string) => text[name] += more);
  }
  const group = child.pid ?? -1;
  let largest: Process = { name: "", pools: 0, other: 0 };
  const looking = setInterval(() => {
    for (const held of groupHolds(group, options.pools)) {
      if (options.process !== undefined && held.name !== options.process) continue;
      if (held.pools + held.other > largest.pools + largest.other) largest = held;
    }
  }, intervalMs);
  const kill = () => process.kill(-group, "SIGKILL");
  const killing = setTimeout(kill, options.limit * 1000);
  // The keyboard's interrupt does not reach another process group by itself.
  const interrupted = () => {
    kill();
    process.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, interrupted);
  try {
    const status = await ended;
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
    return { outcome: { status, ...text }, largest, seconds };
  } finally {
    clearInterval(looking);
    clearTimeout(killing);
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupted);
  }
}

function groupHolds(group: number, pools: string): Process[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      // The name, in parentheses, may have blanks; state, parent and group follow.
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(fields[2]) !== group) return [];
      const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
      return [{ name, ...heldIn(readFileSync(`/proc/${pid}/smaps`, "utf8"), pools) }];
    } catch {
      return []; // It has ended.
    }
  });
}

/** What a process has by its /proc/PID/smaps. */
export function heldIn(smaps: string, pools: string): Held {
  const held = { pools: 0, other: 0 };
  let inPool = false;
  for (const line of smaps.split("\n")) {
    const mapping = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$/.exec(line);
    if (mapping !== null) {
      inPool = mapping[1]!.startsWith(`${pools}/`);
      continue;
    }
    const size = /^(Rss|Anonymous): +(\d+) kB$/.exec(line);
    if (size === null) continue;
    const bytes = Number(size[2]) * 1024;
    if (inPool && size[1] === "Rss") held.pools += bytes;
    if (!inPool && size[1] === "Anonymous") held.other += bytes;
  }
  return held;
}
