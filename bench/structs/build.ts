/** Records linked to each other are built, millions of them: the longest pause meanwhile, and the memory they take. */
import process from "node:process";
import { fields, pointer, type Pool, struct } from "../../mod.ts";
import { threadTime } from "./clock.ts";
import { collect, heapUsed } from "./collector.ts";
import { byHand, cursor, functions, plain, views, wholePool } from "./workload.ts";

/** Records in a step. */
const STEP = 1000;

/** Records in all. */
export const buildSize = 5_000_000;

export interface Built {
  /** Nanoseconds a record. */
  readonly ns: number;
  /** Milliseconds that the longest step took by the clock on the wall. */
  readonly longestStep: number;
  /** Milliseconds of a full collection afterwards. */
  readonly collection: number;
  /** Bytes of the JavaScript heap after it. */
  readonly heap: number;
  /** Bytes of main memory that the process has then. */
  readonly resident: number;
}

interface Builder {
  /** Builds the records number `from` up to, but not including, `to`. */
  readonly build: (from: number, to: number) => void;
  /** All values added up, from the last record to the first. */
  readonly sum: () => number;
}

interface Plain {
  readonly id: number;
  readonly visits: number;
  readonly x: number;
  readonly y: number;
  readonly next: Plain | null;
}

const Node = struct({ id: "u32", visits: "u32", x: "f64", y: "f64", next: pointer(() => Node) });

/** Bytes of a record, and where its fields are. */
const SIZE = 32;
const VISITS = 4;
const X = 8;
const Y = 16;
const NEXT = 24;

export const builders: Readonly<Record<string, (pool: Pool) => Builder>> = {
  [plain]: () => {
    let head: Plain | null = null;
    return {
      build(from, to) {
        for (let i = from; i < to; i++) {
          head = { id: i, visits: 1, x: i / 2, y: i + 0.5, next: head };
        }
      },
      sum() {
        let sum = 0;
        for (let node = head; node !== null; node = node.next) sum += node.y;
        return sum;
      },
    };
  },

  /** Without links, in an array that grows. */
  [`${plain}, array`]: () => {
    const records: Omit<Plain, "next">[] = [];
    return {
      build(from, to) {
        for (let i = from; i < to; i++) records.push({ id: i, visits: 1, x: i / 2, y: i + 0.5 });
      },
      sum: () => records.reduceRight((sum, { y }) => sum + y, 0),
    };
  },

  [byHand]: (pool) => {
    const view = wholePool(pool);
    let head = 0;
    return {
      build(from, to) {
        for (let i = from; i < to; i++) {
          const node = pool.malloc(SIZE) | 0;
          view.setUint32(node, i, true);
          view.setUint32(node + VISITS, 1, true);
          view.setFloat64(node + X, i / 2, true);
          view.setFloat64(node + Y, i + 0.5, true);
          view.setInt32(node + NEXT, head, true);
          head = node;
        }
      },
      sum() {
        let sum = 0;
        for (let node = head; node !== 0; node = view.getInt32(node + NEXT, true)) {
          sum += view.getFloat64(node + Y, true);
        }
        return sum;
      },
    };
  },

  [views]: (pool) => {
    let head: InstanceType<typeof Node> | null = null;
    return {
      build(from, to) {
        for (let i = from; i < to; i++) {
          const node = new Node(pool, pool.malloc(SIZE));
          node.id = i;
          node.visits = 1;
          node.x = i / 2;
          node.y = i + 0.5;
          node.next = head;
          head = node;
        }
      },
      sum() {
        let sum = 0;
        for (let node = head; node !== null; node = node.next) sum += node.y;
        return sum;
      },
    };
  },

  [cursor]: (pool) => {
    let head = 0;
    let node: InstanceType<typeof Node> | undefined;
    return {
      build(from, to) {
        for (let i = from; i < to; i++) {
          const pointer = pool.malloc(SIZE);
          node = node === undefined ? new Node(pool, pointer) : node.move(pointer);
          node.id = i;
          node.visits = 1;
          node.x = i / 2;
          node.y = i + 0.5;
          node.$next = head as typeof pointer;
          head = pointer;
        }
      },
      sum() {
        let sum = 0;
        for (let at = head; at !== 0; at = node!.$next) sum += node!.move(at).y;
        return sum;
      },
    };
  },

  [functions]: (pool) => {
    const { setId, setVisits, setX, y, setY, next, setNext } = fields(Node, pool);
    let head = 0;
    return {
      build(from, to) {
        for (let i = from; i < to; i++) {
          const node = pool.malloc(SIZE);
          setId(node, i);
          setVisits(node, 1);
          setX(node, i / 2);
          setY(node, i + 0.5);
          setNext(node, head);
          head = node;
        }
      },
      sum() {
        let sum = 0;
        for (let node = head; node !== 0; node = next(node)) sum += y(node);
        return sum;
      },
    };
  },
};

/**
 * Builds `size` records by one candidate. The longest step is a pause, which one waits for: by the clock on the wall. V8's main thread
 * waits in it for the collector's other threads, 186 ms of which 40 are its own. Other times are those of the main thread.
 *
 * @throws Error The records are not what was built.
 */
export function measureBuild(pool: Pool, candidate: string, size: number): Built {
  const create = builders[candidate];
  if (create === undefined) throw new Error(`There is no candidate "${candidate}"`);
  const { build, sum } = create(pool);
  let total = 0;
  let longest = 0;
  for (let from = 0; from < size; from += STEP) {
    const [start, began] = [threadTime(), performance.now()];
    build(from, Math.min(from + STEP, size));
    longest = Math.max(longest, performance.now() - began);
    total += threadTime() - start;
  }
  const start = threadTime();
  collect();
  const collection = threadTime() - start;
  const heap = heapUsed();
  const resident = process.memoryUsage().rss;
  const expected = size * size / 2; // 0.5 + 1.5 + ...: exact
  if (sum() !== expected) {
    throw new Error(`Building by "${candidate}" failed: the sum is ${sum()}, not ${expected}`);
  }
  return {
    ns: total / size,
    longestStep: longest,
    collection: collection / 1e6,
    heap,
    resident,
  };
}
