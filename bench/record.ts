/**
 * `record.ndjson`: a line for every run with `--record`, so that figures can be compared over time and tables and
 * pictures drawn from them. Rows are named "PLACE: WORK"; each has its candidates, and ratios to one of them.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { root } from "../tools/zig.ts";
import type { Capacity } from "./capacities.ts";
import type { Goal } from "./goal.ts";
import { describeMachine, type Machine } from "./machine.ts";
import { type Measured, ratio } from "./sampling.ts";
import type { Built } from "./structs/build.ts";

/** What one candidate took, and the median of its ratios to the row's reference within the turns. */
export interface Figure {
  readonly ns: number;
  readonly ratio: number;
}

/** Candidates by name. */
export type Row = Readonly<Record<string, Figure>>;

/** What a benchmark found out. */
export interface Results {
  readonly rows: Readonly<Record<string, Row>>;
  readonly goals: readonly Goal[];
  readonly capacities?: readonly Capacity[];
  /** What building records took, by runtime and candidate. */
  readonly builds?: Readonly<Record<string, Readonly<Record<string, readonly Built[]>>>>;
}

/** One line of the file. */
export interface Entry extends Machine, Results {
  /** The task and its words, as in "deno task bench --full --record". */
  readonly command: string;
}

const recordFile: string = join(root, "bench", "record.ndjson");

/** Adds a line; `task` is the name of the task that this program is, `words` are what it was given. */
export function append(
  task: string,
  results: Results,
  words: readonly string[] = process.argv.slice(2),
  file: string = recordFile,
): void {
  const command = [`deno task ${task}`, ...words].join(" ");
  const entry: Entry = { ...describeMachine(), command, ...results };
  appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

/** All lines, the oldest first. */
export function readEntries(text: string = readFileSync(recordFile, "utf8")): Entry[] {
  return text.trimEnd().split("\n").map((line) => JSON.parse(line) as Entry);
}

/** A row for the file. */
export function rowOf(measured: ReadonlyMap<string, Measured>, reference: Measured): Row {
  return Object.fromEntries(
    [...measured].map(([name, each]) => [
      name,
      { ns: round(each.ns), ratio: round(ratio(each, reference)) },
    ]),
  );
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
