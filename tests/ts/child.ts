/** Starts programs with the runtime that runs the tests. */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runtime } from "./support.ts";

const here = dirname(fileURLToPath(import.meta.url));

/** What stands before a file to run it, by runtime. */
const first: Readonly<Record<typeof runtime, readonly string[]>> = {
  bun: [],
  deno: ["run", "-A"],
  node: [
    "--disable-warning=ExperimentalWarning",
    `--import=${new URL("../node/register.ts", import.meta.url).href}`,
  ],
};

export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly output: string;
}

/** The words that run a file of this folder. */
export function program(file: string, ...words: string[]): string[] {
  return [process.execPath, ...first[runtime], join(here, file), ...words];
}

/** The words that run a program of the repository, in Deno with the permissions that the README names and some more. */
export function permitted(more: readonly string[], file: string, ...words: string[]): string[] {
  const options = runtime === "deno"
    ? ["run", "--allow-ffi", "--allow-read", "--allow-env", ...more]
    : first[runtime];
  return [process.execPath, ...options, join(here, "../..", file), ...words];
}

/** Runs a program to its end, at most a minute. */
export function run(words: readonly string[], environment: Record<string, string> = {}): Ended {
  const [command = "", ...rest] = words;
  const { status, signal, stdout, stderr, error } = spawnSync(command, rest, {
    encoding: "utf8",
    timeout: 60_000,
    env: { ...process.env, NO_COLOR: "1", ...environment },
  });
  return { status, signal, output: `${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}` };
}
