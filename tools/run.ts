/**
 * Runs a program on the runtime of one's choice: `deno run -A tools/run.ts FILE [--runtime deno|bun] …`.
 *
 * On Deno the program gets the permissions that the README names, not all of them, so that a task shows what a
 * user of the package has to grant.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { bun, deno } from "./bun.ts";

const permissions = ["--allow-ffi", "--allow-read", "--allow-env"];

function commandFor(runtime: string): readonly [string, ...string[]] {
  if (runtime === "deno") return [deno(), "run", ...permissions];
  if (runtime === "bun") return bun();
  throw new Error(`--runtime is "${runtime}"; it must be deno or bun`);
}

function main(): void {
  const words = process.argv.slice(2);
  const at = words.indexOf("--runtime");
  const runtime = at < 0 ? "deno" : words.splice(at, 2)[1] ?? "";
  try {
    const [program, ...first] = commandFor(runtime);
    const run = spawnSync(program, [...first, ...words], { stdio: "inherit" });
    if (run.error !== undefined) {
      throw new Error(`Starting "${program}" failed: ${run.error.message}`);
    }
    process.exitCode = run.status ?? 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

if (import.meta.main) main();
