// deno-lint-ignore-file no-console -- a program, not a library
/**
 * The shortest way through a grid of towns: towns, roads and the queue of the search are linked structs in a pool.
 *
 *     deno run --allow-ffi --allow-read --allow-env examples/graph.ts [TOWNS IN A ROW]
 *     bun examples/graph.ts [TOWNS IN A ROW]
 *
 * Two million structs are no objects: the garbage collector does not see them, and closing the pool ends all of them.
 */
import process from "node:process";
import { pointer, Pool, struct } from "@vmem/vmem";

export const Town = struct({
  id: "u32",
  /** The shortest way to it is known. */
  reached: "bool",
  /** How long that way takes. */
  minutes: "f64",
  /** Where that way comes from. */
  before: pointer(() => Town),
  /** The first of the roads that leave it. */
  roads: pointer(() => Road),
});
export type Town = InstanceType<typeof Town>;

const Road = struct({
  to: pointer(() => Town),
  minutes: "f64",
  /** The next road from the same town. */
  next: pointer(() => Road),
});

/** A way to a town that the search has found. It waits in a pairing heap, where no child is shorter than its parent. */
const Way = struct({
  to: pointer(() => Town),
  before: pointer(() => Town),
  minutes: "f64",
  child: pointer(() => Way),
  sibling: pointer(() => Way),
});
type Way = InstanceType<typeof Way>;

export function addTown(pool: Pool, id: number): Town {
  return pool.make(Town, { id });
}

export function addRoad(pool: Pool, from: Town, to: Town, minutes: number): void {
  from.roads = pool.make(Road, { to, minutes, next: from.roads });
}

/** Finds the shortest ways from a town to all others (Dijkstra, 1959), which then say where they come from. */
export function findWays(pool: Pool, start: Town): void {
  let ways: Way | null = pool.make(Way, { to: start });
  while (ways !== null) {
    const way: Way = ways;
    ways = meldAll(way.child);
    const town = way.to!;
    if (!town.reached) {
      town.reached = true;
      town.minutes = way.minutes;
      town.before = way.before;
      for (let road = town.roads; road !== null; road = road.next) {
        const to = road.to!;
        if (to.reached) continue;
        const minutes = town.minutes + road.minutes;
        ways = meld(ways, pool.make(Way, { to, before: town, minutes }));
      }
    }
    pool.free(way);
  }
}

/** Makes one heap of two: the longer way becomes a child of the shorter one. */
function meld(a: Way | null, b: Way | null): Way | null {
  if (a === null) return b;
  if (b === null) return a;
  const [shorter, longer] = a.minutes <= b.minutes ? [a, b] : [b, a];
  longer.sibling = shorter.child;
  shorter.child = longer;
  return shorter;
}

/** Makes one heap of siblings: first of pairs from left to right, then of those from right to left. */
function meldAll(first: Way | null): Way | null {
  let pairs: Way | null = null;
  while (first !== null) {
    const a: Way = first;
    const b: Way | null = a.sibling;
    first = b === null ? null : b.sibling;
    const pair: Way = meld(a, b)!;
    pair.sibling = pairs;
    pairs = pair;
  }
  let heap: Way | null = null;
  while (pairs !== null) {
    const next: Way | null = pairs.sibling;
    pairs.sibling = null;
    heap = meld(heap, pairs);
    pairs = next;
  }
  return heap;
}

/** The towns of the way to `end`, from its start on. */
export function wayTo(end: Town): number[] {
  const ids: number[] = [];
  for (let town: Town | null = end; town !== null; town = town.before) ids.push(town.id);
  return ids.reverse();
}

/** A grid of towns with roads to their neighbours, of 1 to 100 minutes. The result is the first and the last town. */
export function makeGrid(pool: Pool, side: number): [Town, Town] {
  let state = 1;
  const randomMinutes = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return 1 + (state >>> 16) % 100;
  };
  const join = (a: Town, b: Town): void => {
    const minutes = randomMinutes();
    addRoad(pool, a, b, minutes);
    addRoad(pool, b, a, minutes);
  };
  // A row of views at a time: what the row below is joined to.
  let above: Town[] = [];
  const first = addTown(pool, 0);
  for (let y = 0; y < side; y++) {
    const row: Town[] = [];
    for (let x = 0; x < side; x++) {
      const town = x + y === 0 ? first : addTown(pool, y * side + x);
      if (x > 0) join(row[x - 1]!, town);
      if (y > 0) join(above[x]!, town);
      row.push(town);
    }
    above = row;
  }
  return [first, above[side - 1]!];
}

function main(): void {
  const side = Number(process.argv[2] ?? 300);
  if (!Number.isInteger(side) || side < 1 || side > 3000) {
    console.error(`"${process.argv[2]}" is no number of towns; give one from 1 to 3000`);
    process.exitCode = 2;
    return;
  }
  using pool = Pool.create();
  const [start, end] = makeGrid(pool, side);
  findWays(pool, start);
  const way = wayTo(end);
  const mebibytes = (pool.stats().allocated / 2 ** 20).toFixed(1);
  console.log(`${side * side} towns, ${4 * side * (side - 1)} roads, ${mebibytes} MiB in the pool`);
  console.log(`From corner to corner ${end.minutes} minutes, through ${way.length} towns`);
}

if (import.meta.main) main();
