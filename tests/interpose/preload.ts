/** Running programs with libvmmalloc as their malloc. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { root } from "../sources.ts";

export const library: string = join(root, "zig-out", "lib", "libvmmalloc.so.1");

/** Where pools are made: main memory if a directory of it is there. */
export const poolDirectory: string = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** What a program has done. */
export interface Outcome {
  /** The exit status, or the name of the signal that ended it. */
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Seconds until it is killed. */
  readonly limit?: number;
}

/** Variables that give a program a pool of this size. */
export function pool(size: string): Record<string, string> {
  return { LD_PRELOAD: library, VMMALLOC_POOL_DIR: poolDirectory, VMMALLOC_POOL_SIZE: size };
}

/** Runs a program to its end. Variables of an outer run do not reach it. */
export function runProgram(command: readonly string[], options: Running): Outcome {
  const inherited = Object.entries(process.env).filter(([name]) =>
    !/^(VMMALLOC_|LD_PRELOAD$)/.test(name)
  );
  const [program = "", ...words] = command;
  const result = spawnSync(program, words, {
    cwd: options.cwd,
    env: { ...Object.fromEntries(inherited), NO_COLOR: "1", LC_ALL: "C", ...options.environment },
    input: options.input ?? "",
    encoding: "utf8",
    timeout: (options.limit ?? 60) * 1000,
    killSignal: "SIGKILL",
    maxBuffer: 2 ** 28,
  });
  if (result.error !== undefined && result.status === null && result.signal === null) {
    throw result.error;
  }
  return {
    status: result.signal ?? result.status ?? -1,
    stdout: result.stdout,
    stderr: result.stderr,
  };
}

/** The path of a program of the system, or undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = ["/usr/bin", "/bin", ...(process.env["PATH"] ?? "").split(delimiter)];
  return folders.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Calls `body` with an empty folder that is there for as long as that takes, a promise that it gives included. */
export function inFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "vmem-interpose-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  let result: T;
  try {
    result = body(folder);
  } catch (error) {
    remove();
    throw error;
  }
  if (result instanceof Promise) return result.finally(remove) as T;
  remove();
  return result;
}

/** Most bytes of blocks that each process which wrote its statistics to the file ever had. */
export function ceilings(file: string): number[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").matchAll(/^Current active ceiling: (\d+)$/gm);
  return [...lines].map(([, bytes]) => Number(bytes));
}
