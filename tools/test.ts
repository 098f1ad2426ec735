/**
 * `deno task test`: every check and all tests, or the steps that are named: `deno task test lint types`.
 *
 * It goes on after a failure. What a step printed is shown if it failed; a table follows, then the skipped tests with their
 * reasons, and the last line is `N passed, N failed`. The exit status is 1 if anything failed or nothing ran.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type Counts, one, type Skip, skipReason, sum } from "./counts.ts";
import { type Outcome, refuseOtherRuntimes, type Step, steps } from "./steps.ts";
import { root } from "./zig.ts";

interface Row {
  readonly name: string;
  readonly counts: Counts;
  readonly seconds: number;
}

/** The named steps and what they need, in the order of the list. */
function chosen(names: readonly string[]): Step[] {
  const unknown = names.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    const known = steps.map((step) => step.name).join(", ");
    throw new Error(`There is no step "${unknown.join('", "')}"; the steps are ${known}`);
  }
  if (names.length === 0) return [...steps];
  const wanted = new Set(names);
  for (const step of steps) {
    if (wanted.has(step.name)) step.needs.forEach((name) => wanted.add(name));
  }
  return steps.filter((step) => wanted.has(step.name));
}

async function runStep(step: Step): Promise<Outcome> {
  try {
    return await step.run();
  } catch (error) {
    return { counts: one(false), output: error instanceof Error ? error.message : String(error) };
  }
}

/** A step on what an earlier build left behind would tell nothing about these sources. */
function notRun(missing: string): Outcome {
  return {
    counts: one(false),
    output: `Not run: the step "${missing}", which it needs, has failed`,
  };
}

async function runAll(list: readonly Step[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const step of list) {
    console.error(`${step.name}: ${step.about}`);
    const begin = performance.now();
    const missing = step.needs.find((name) =>
      rows.some((row) => row.name === name && row.counts.failed > 0)
    );
    const { counts, output } = missing === undefined ? await runStep(step) : notRun(missing);
    const seconds = (performance.now() - begin) / 1000;
    if (counts.failed > 0) console.log(`\n--- ${step.name} failed ---\n${output.trim()}\n---`);
    rows.push({ name: step.name, counts, seconds });
  }
  return rows;
}

function describe({ name, where }: Skip): string {
  const [file = "", line = ""] = where.split(":");
  const path = join(root, file);
  if (!file.endsWith(".ts") || !existsSync(path)) return name;
  const reason = skipReason(readFileSync(path, "utf8"), Number(line));
  return `${name}: ${reason ?? `reason at ${where}`}`;
}

function line(name: string, ...cells: readonly (string | number)[]): string {
  return name.padEnd(12) + cells.map((cell) => String(cell).padStart(9)).join("");
}

function summary(rows: readonly Row[]): string {
  const lines = ["", line("step", "passed", "failed", "skipped", "time")];
  for (const { name, counts: { passed, failed, skipped }, seconds } of rows) {
    lines.push(line(name, passed, failed, skipped.length, `${seconds.toFixed(1)} s`));
  }
  const skipped = rows.flatMap(({ name, counts }) =>
    counts.skipped.map((skip) => `  ${name}: ${describe(skip)}`)
  );
  if (skipped.length > 0) lines.push("", `${skipped.length} skipped:`, ...skipped);
  return lines.join("\n");
}

async function main(): Promise<void> {
  refuseOtherRuntimes();
  const begin = performance.now();
  const rows = await runAll(chosen(process.argv.slice(2)));
  const { passed, failed } = sum(rows.map((row) => row.counts));
  console.log(summary(rows));
  console.log(`\nTook ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

// Deno's test runner takes any file of this name for a test module; imported so, it must not start itself again.
if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
