// deno-lint-ignore-file no-console -- a program, not a library
/**
 * An index of embeddings: the vectors nearest to a query, found exactly, by one thread and by workers that share the
 * vectors without copies, and compared with the same index as JavaScript objects.
 *
 *     deno run --allow-ffi --allow-read --allow-env examples/embeddings.ts [VECTORS]
 *     bun examples/embeddings.ts [VECTORS]
 */
import process from "node:process";
import { Pool } from "@vmem/vmem";
import { heapUsed } from "./demo/measure.ts";
import type { Neighbour } from "./embeddings/nearest.ts";
import { PlainIndex } from "./embeddings/plain_index.ts";
import { PoolIndex } from "./embeddings/pool_index.ts";
import { Searchers } from "./embeddings/searchers.ts";

const DIMENSIONS = 128;
const QUERIES = 20;
const K = 10;
const WORKERS = 2;

/** What an index must be able to do to be measured. */
interface Index {
  add(vector: Float32Array): number;
  delete(id: number): void;
}

interface Measured {
  readonly found: readonly (readonly Neighbour[])[];
  /** Milliseconds of a query, the middle one. */
  readonly query: number;
}

async function main(): Promise<void> {
  const count = Number(process.argv[2] ?? 100_000);
  if (!Number.isInteger(count) || count < 100 || count > 5_000_000) {
    console.error(`"${process.argv[2]}" is no number of vectors; give one from 100 to 5000000`);
    process.exitCode = 2;
    return;
  }
  const queries = Array.from(vectors(QUERIES, 7), (vector) => vector.slice());
  using pool = Pool.create();

  const before = heapUsed();
  const index = new PoolIndex(pool, DIMENSIONS);
  const build = fill(index, count);
  const heap = heapUsed() - before;
  const alone = await measure(queries, (query) => index.search(query, K));
  using searchers = await Searchers.start(index.shape, WORKERS);
  const together = await measure(queries, (query) => searchers.search(query, K));

  const plainBefore = heapUsed();
  const plain = new PlainIndex();
  const plainBuild = fill(plain, count);
  const plainHeap = heapUsed() - plainBefore;
  const objects = await measure(queries, (query) => plain.search(query, K));

  console.log(
    `${index.size} vectors of ${DIMENSIONS} numbers, ${QUERIES} queries, the ${K} nearest`,
  );
  const line = (name: string, cells: readonly string[]): void =>
    console.log(name.padEnd(24) + cells.map((cell) => cell.padStart(14)).join(""));
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const mib = (bytes: number): string => `${(Math.max(bytes, 0) / 2 ** 20).toFixed(1)} MiB`;
  line("", ["JS heap", "built", "query"]);
  line("in a pool", [mib(heap), ms(build), ms(alone.query)]);
  line(`in a pool, ${WORKERS} workers`, ["", "", ms(together.query)]);
  line("objects", [mib(plainHeap), ms(plainBuild), ms(objects.query)]);
  const recall = [alone, together].map(({ found }) => share(found, objects.found));
  console.log(
    `Of the neighbours among the objects, ${recall.join(" and ")} % were found in the pool`,
  );
}

/** Adds vectors, takes every tenth out, and gives half of their places to others; milliseconds. */
function fill(index: Index, count: number): number {
  const start = performance.now();
  for (const vector of vectors(count, 1)) index.add(vector);
  for (let id = 0; id < count; id += 10) index.delete(id);
  for (const vector of vectors(Math.floor(count / 20), 2)) index.add(vector);
  return performance.now() - start;
}

/** Vectors that look random, one after the other in the same array. */
function* vectors(count: number, seed: number): Generator<Float32Array> {
  const vector = new Float32Array(DIMENSIONS);
  let state = seed;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < DIMENSIONS; j++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      vector[j] = (state >>> 8) / 2 ** 23 - 1;
    }
    yield vector;
  }
}

async function measure(
  queries: readonly Float32Array[],
  search: (query: Float32Array) => readonly Neighbour[] | Promise<readonly Neighbour[]>,
): Promise<Measured> {
  for (const query of queries) await search(query); // the engine compiles
  const found: (readonly Neighbour[])[] = [];
  const times: number[] = [];
  for (const query of queries) {
    const start = performance.now();
    found.push(await search(query));
    times.push(performance.now() - start);
  }
  return { found, query: times.sort((a, b) => a - b)[times.length >> 1]! };
}

/** How many of the neighbours that are right were found, in percent. */
function share(found: Measured["found"], right: Measured["found"]): number {
  const hits = right.map((each, i) => {
    const ids = new Set(found[i]!.map(({ id }) => id));
    return each.filter(({ id }) => ids.has(id)).length;
  });
  return 100 * hits.reduce((sum, each) => sum + each) / (right.length * K);
}

if (import.meta.main) await main();
