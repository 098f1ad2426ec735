// deno-lint-ignore-file no-console -- a program, not a library
/**
 * Indexes real text twice, once in a pool and once with objects on the JavaScript heap, asks both the
 * same questions, and shows what each of them costs.
 *
 *     deno task demo [FOLDER] [--runtime bun|node]
 *
 * Without a folder it takes the sources of Zig's standard library, which the build needs anyway.
 */
import { statSync } from "node:fs";
import process from "node:process";
import { Pool } from "@vmem/vmem";
import { best, build, type BuildTime, heapUsed, STEP } from "./demo/measure.ts";
import { drawMap } from "./demo/occupancy.ts";
import { PlainIndex } from "./demo/plain_index.ts";
import { createPoolIndex, type PoolIndex } from "./demo/pool_index.ts";
import {
  answer,
  type Answers,
  firstDifference,
  makeQueries,
  type Queries,
} from "./demo/queries.ts";
import { zigSources } from "./demo/start.ts";
import { placeOf, readText, show, type Text, WORD } from "./demo/text.ts";

/** Each index is built so often; the figures are those of the best build. */
const ROUNDS = 5;

const folder = process.argv[2] ?? zigSources();
if (folder === undefined) {
  console.error("Finding Zig's standard library failed: name a folder with text as the argument");
  process.exit(2);
}
if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
  console.error(`Reading "${folder}" failed: it is not a folder`);
  process.exit(2);
}
process.exitCode = run(folder);

function run(folder: string): number {
  note(`Reading ${folder}`);
  const text = readText(folder);
  const count = text.words.length / WORD;
  if (count === 0) {
    console.error(`Indexing "${folder}" failed: there are no words in it`);
    return 2;
  }
  note(`Read ${text.files.length} files, ${mebibytes(text.bytes.length)}, ${count} words\n`);
  if (text.leftOut > 0) {
    note(`Left out ${text.leftOut} files: no permission, or over 256 MiB in all\n`);
  }

  const times = rehearse(text);
  const empty = heapUsed();
  using pool = Pool.create(); // grows as needed, in a temporary file without a name
  using poolIndex = createPoolIndex(pool);
  times.pool.push(build(poolIndex, text, progress(`Building in a pool, ${ROUNDS} of ${ROUNDS}`)));
  const poolHeap = heapUsed() - empty;

  const before = heapUsed();
  const plainIndex = new PlainIndex();
  times.plain.push(
    build(plainIndex, text, progress(`Building with objects, ${ROUNDS} of ${ROUNDS}`)),
  );
  const plainHeap = heapUsed() - before;

  const queries = makeQueries([...plainIndex.words()], plainIndex);
  note("Asking both");
  const inPool = answer(poolIndex, queries);
  const inObjects = answer(plainIndex, queries);
  note("");
  const different = firstDifference(queries, inPool, inObjects);
  if (different !== undefined) {
    console.error(`Comparing the answers failed: they differ for ${different}`);
    return 1;
  }
  reportAnswers(text, queries, inPool);
  reportCosts([best(times.pool), best(times.plain)], [poolHeap, plainHeap], [inPool, inObjects]);
  reportPool(pool, poolIndex);
  return 0;
}

interface Times {
  readonly pool: BuildTime[];
  readonly plain: BuildTime[];
}

/** Builds both indexes and throws them away: the machine may be busy and the code is cold, so the best of some counts. */
function rehearse(text: Text): Times {
  const times: Times = { pool: [], plain: [] };
  for (let round = 1; round < ROUNDS; round++) {
    using pool = Pool.create();
    const inPool = progress(`Building in a pool, ${round} of ${ROUNDS}`);
    times.pool.push(build(createPoolIndex(pool), text, inPool));
    const withObjects = progress(`Building with objects, ${round} of ${ROUNDS}`);
    times.plain.push(build(new PlainIndex(), text, withObjects));
  }
  return times;
}

function reportAnswers(text: Text, queries: Queries, answers: Answers): void {
  const total = queries.single.length + queries.all.length + queries.prefixes.length;
  console.log(
    `${text.words.length / WORD} words, ${total} queries: all answers are equal. Three of them:`,
  );
  const best = answers.single.reduce(
    (most, lines, i) => lines.length > answers.single[most]!.length ? i : most,
    0,
  );
  const pair = Math.max(0, answers.all.findIndex((lines) => lines.length > 0));
  const place = (lines: ArrayLike<number>) =>
    lines.length === 0 ? "" : `, the first is ${placeOf(text, lines[0]!)}`;
  console.log(
    `  ${show(queries.single[best]!)}: ${answers.single[best]!.length} lines${
      place(answers.single[best]!)
    }`,
  );
  if (answers.all.length > 0) {
    const words = queries.all[pair]!.map(show).join(" and ");
    console.log(`  ${words}: ${answers.all[pair]!.length} lines${place(answers.all[pair]!)}`);
  }
  for (const [i, prefix] of queries.prefixes.slice(0, 1).entries()) {
    console.log(`  ${show(prefix)}…: ${answers.prefixes[i]!.words} words`);
  }
}

function reportCosts(
  times: readonly BuildTime[],
  heaps: readonly number[],
  answers: readonly Answers[],
): void {
  console.log(`\n${row("", ["in the pool", "objects, Map"])}`);
  console.log(row(`built in (best of ${ROUNDS})`, times.map((time) => milliseconds(time.total))));
  console.log(
    row(`longest ${STEP} insertions`, times.map((time) => milliseconds(time.longestStep))),
  );
  console.log(row("all queries in", answers.map((all) => milliseconds(all.time))));
  console.log(row("JavaScript heap", heaps.map((bytes) => mebibytes(Math.max(0, bytes)))));
}

function reportPool(pool: Pool, index: PoolIndex): void {
  const stats = pool.stats();
  console.log("\nThe pool:");
  console.log(
    `  allocated ${mebibytes(stats.allocated)}, active ${mebibytes(stats.active)}, committed ${
      mebibytes(stats.committed)
    }`,
  );
  console.log(drawMap(pool, index.blocks()));
}

function row(name: string, values: readonly string[]): string {
  return name.padEnd(26) + values.map((value) => value.padStart(16)).join("");
}

function milliseconds(time: number): string {
  return `${time.toFixed(time < 10 ? 2 : 0)} ms`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(2)} MiB`;
}

/** A line on stderr that the next one replaces. */
function note(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  else if (line !== "") process.stderr.write(line.endsWith("\n") ? line : `${line}\n`);
}

/** Shows how far something is, not more often than there is something new to say. */
function progress(what: string): (part: number) => void {
  let shown = -1;
  return (part) => {
    const percent = Math.min(100, Math.floor(part * 20) * 5);
    if (percent === shown || (!process.stderr.isTTY && percent % 50 !== 0)) return;
    shown = percent;
    note(`${what}: ${percent} %`);
  };
}
