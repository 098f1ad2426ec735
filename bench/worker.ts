/**
 * Answers run.ts for the TypeScript suites, in the manner of native/driver.c: a line "list" with the names of the
 * works, a line "SUITE/CANDIDATE ROUNDS" with "NANOSECONDS PROOF". Time is that of the clock on the wall.
 */
import { createInterface } from "node:readline";
import process from "node:process";
import { Pool } from "../mod.ts";
import { type Candidate, createSuites } from "./suites.ts";

async function main(): Promise<void> {
  using pool = Pool.create({ maxSize: "1GiB" });
  const works = new Map<string, Candidate>();
  for (const [suite, candidates] of Object.entries(createSuites(pool))) {
    for (const [name, run] of Object.entries(candidates)) works.set(`${suite}/${name}`, run);
  }
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(
      `${line === "list" ? [...works.keys()].join(";") : answer(works, line)}\n`,
    );
  }
}

function answer(works: ReadonlyMap<string, Candidate>, line: string): string {
  const space = line.lastIndexOf(" ");
  const run = works.get(line.slice(0, space));
  const rounds = Number(line.slice(space + 1));
  if (run === undefined) throw new Error(`Measuring "${line}" failed: there is no such work`);
  const start = performance.now();
  const proof = run(rounds);
  const time = performance.now() - start;
  return `${Math.round(time * 1e6)} ${proof}`;
}

await main();
