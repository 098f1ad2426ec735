/**
 * `deno task soak [--runtime deno|bun|node] [--operations N] [--workers N] [--seed N]`: workers do random things to pools that
 * are closed under them (tests/soak). Without a runtime it runs on all, one after the other. Ends with status 1 if one
 * was killed by a signal, found a defect, or left something of a pool behind.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { commandFor, option, runtimes } from "./runtimes.ts";
import { root } from "./zig.ts";

function number(words: string[], name: string, otherwise: number): string {
  const text = option(words, name) ?? String(otherwise);
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${name} is "${text}"; it must be a number`);
  return text;
}

function main(): void {
  const words = process.argv.slice(2);
  const chosen = option(words, "runtime");
  const numbers = [
    number(words, "operations", 10_000_000),
    number(words, "workers", 8),
    number(words, "seed", Date.now() % 1_000_000 + 1),
  ];
  if (words.length > 0) throw new Error(`"${words.join(" ")}" is no option`);
  for (const runtime of chosen === undefined ? runtimes : [chosen]) {
    const [program = "", ...first] = commandFor(runtime, ["-A"]);
    const file = join(root, "tests", "soak", "soak.ts");
    const run = spawnSync(program, [...first, file, ...numbers], { stdio: "inherit" });
    if (run.error !== undefined) {
      throw new Error(`Starting "${program}" failed: ${run.error.message}`);
    }
    if (run.status === 0) continue;
    const how = run.signal === null ? `status ${run.status}` : `signal ${run.signal}`;
    throw new Error(`The soak on ${runtime} ended with ${how}; its seed was ${numbers[2]}`);
  }
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
