/**
 * Runs a program to its end, with a time limit that also reaches the programs it started.
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";

export interface Result {
  /** Null if a signal or the time limit ended it. */
  readonly status: number | null;
  /** Both streams, in the order they came. */
  readonly output: string;
}

export interface Options {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Seconds; beyond them the program and what it started are killed. */
  readonly limit: number;
}

const running = new Set<ChildProcess>();

// Each program leads its own process group, so an interrupt at the keyboard does not reach it by itself.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    for (const child of running) killGroup(child);
    process.exit(130);
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

export function execute(words: readonly string[], options: Options): Promise<Result> {
  const [program = "", ...rest] = words;
  return new Promise((resolve) => {
    const child = spawn(program, rest, {
      cwd: options.cwd,
      env: { ...(options.env ?? process.env), NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    running.add(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => output += text);
    }
    const timer = setTimeout(() => {
      output += `\nStopped: "${program}" took longer than ${options.limit} s\n`;
      killGroup(child);
    }, options.limit * 1000);
    const end = (status: number | null) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ status, output });
    };
    child.on("error", (error) => {
      output += `Starting "${program}" failed: ${error.message}\n`;
      end(null);
    });
    child.on("close", (status, signal) => {
      if (signal !== null) output += `\n"${program}" was ended by ${signal}\n`;
      end(status);
    });
  });
}
