/** A worker of the soak: does random things to the pools it was told of, and verifies what it frees. */
import process from "node:process";
import { OutOfMemoryError, type Pointer, Pool, type PoolToken, VmemError } from "../../mod.ts";
import { Random, runtime, turn } from "../ts/support.ts";
import { mailboxSlots, type Order, pattern, type Report } from "./orders.ts";
import { freeList, makeList, useColumns } from "./records.ts";

interface WorkerScope {
  onmessage: ((event: { data: Order }) => void) | null;
  postMessage(value: unknown, transfer?: unknown[]): void;
}

interface Shared {
  readonly pool: Pool;
  readonly token: PoolToken;
  readonly mailbox: Pointer;
  readonly blocks: Pointer[];
  readonly arrays: Uint32Array<ArrayBuffer>[];
  /** First items of lists. */
  readonly lists: Pointer[];
}

const scope = globalThis as unknown as WorkerScope;
const pools = new Map<PoolToken, Shared>();
let random = new Random(1);
let counts = new Int32Array(new SharedArrayBuffer(4));
const batch = 2000;
const blocksMax = 300;
const listsMax = 50;

function report(what: Report, transfer: unknown[] = []): void {
  scope.postMessage(what, transfer);
}

function isClosed(error: unknown): boolean {
  return error instanceof VmemError && error.code === "EBADF";
}

/** A size in words: most are small. */
function randomWords(): number {
  return 2 + random.below(random.below(20) === 0 ? random.below(20) === 0 ? 200_000 : 3000 : 60);
}

/** A block says how many words it has and how they were made: words, seed, pattern, pattern, ... */
function write(at: Pointer, pool: Pool, words: number): Pointer {
  const view = pool.view(Uint32Array, at, words);
  const seed = random.below(2 ** 31);
  view.fill(pattern(words, seed));
  view[0] = words;
  view[1] = seed;
  return at;
}

function verify(pool: Pool, at: Pointer): void {
  const [words = 0, seed = 0] = pool.view(Uint32Array, at, 2);
  const known = words >= 2 && words <= 300_000;
  const view = known ? pool.view(Uint32Array, at, words) : undefined;
  const wanted = pattern(words, seed);
  if (view?.subarray(2).every((word) => word === wanted)) return;
  pool.owns(at); // of a closed pool all is zero: that is no defect, and throws
  throw new Error(`The block at ${at} has wrong contents: ${words} words, seed ${seed}`);
}

function free(pool: Pool, at: Pointer): void {
  verify(pool, at);
  pool.free(at);
}

type Deed = (shared: Shared) => void;

const deeds: readonly [number, Deed][] = [
  [30, ({ pool, blocks }): void => {
    const words = randomWords();
    blocks.push(write(pool.malloc(4 * words), pool, words));
  }],
  [4, ({ pool, blocks }): void => {
    const words = randomWords();
    const at = pool.calloc(words, 4);
    const zeros = pool.view(Uint32Array, at, words).every((word) => word === 0);
    if (!zeros) throw new Error(`calloc() gave ${words} words that are not all 0`);
    blocks.push(write(at, pool, words));
  }],
  [25, ({ pool, blocks }): void => {
    const at = blocks.splice(random.below(blocks.length), 1)[0];
    if (at !== undefined) free(pool, at);
  }],
  [4, ({ pool, blocks }): void => {
    const index = random.below(blocks.length);
    const at = blocks[index];
    if (at === undefined) return;
    verify(pool, at);
    const words = randomWords();
    blocks[index] = write(pool.realloc(at, 4 * words), pool, words);
  }],
  // Here allocated, there freed.
  [25, ({ pool, mailbox }): void => {
    const words = randomWords();
    const at = write(pool.malloc(4 * words), pool, words);
    const slots = pool.view(Uint32Array, mailbox, mailboxSlots);
    const other = Atomics.exchange(slots, random.below(mailboxSlots), at);
    if (other !== 0) free(pool, other as Pointer);
  }],
  [3, ({ pool, arrays }): void => {
    const array = pool.alloc(Uint32Array, randomWords());
    if (!array.every((word) => word === 0)) throw new Error("an array is not zero");
    arrays.push(array.fill(pattern(array.length, 7)));
  }],
  [2, ({ pool, arrays }): void => {
    const array = arrays.pop();
    if (array === undefined) return;
    verifyArray(array);
    if (random.below(2) === 0) return pool.free(array);
    const kept = Math.min(array.length, 2);
    const resized = pool.resize(array, randomWords());
    arrays.push(resized.fill(pattern(resized.length, 7), kept > 2 ? 2 : 0));
  }],
  [1, ({ token, arrays }): void => {
    // Workers in Node cannot post their arrays.
    const array = runtime === "node" ? undefined : arrays.pop();
    if (array !== undefined) report({ said: "give", token, array }, [array.buffer]);
  }],
  [1, ({ token, arrays }): void => {
    if (random.below(400) > 0 || arrays.pop() === undefined) return;
    report({ said: "forgot", token });
  }],
  [1, ({ pool }): void => {
    using group = pool.scope();
    for (let index = random.below(40); index > 0; index -= 1) group.strdup(`text ${index}`);
    group.alloc(Float64Array, 1 + random.below(100)).fill(1);
  }],
  [4, ({ pool, lists }): void => makeList(pool, lists, random)],
  [4, ({ pool, lists }): void => {
    const first = lists.splice(random.below(lists.length), 1)[0];
    if (first !== undefined) freeList(pool, first);
  }],
  [1, ({ pool }): void => useColumns(pool, random)],
  [1, ({ pool }): void => pool.freeMany(pool.mallocMany(64, 1 + random.below(200)))],
  [1, ({ pool, mailbox }): void => {
    const word = mailbox + 4 * mailboxSlots as Pointer;
    const words = pool.view(Int32Array, word, 1);
    if (random.below(4) === 0) pool.wait(word, Atomics.load(words, 0), { timeout: 0.2 });
    Atomics.add(words, 0, 1);
    pool.notify(word);
  }],
];

const lots = deeds.flatMap(([weight, deed]) => Array.from({ length: weight }, () => deed));

function verifyArray(array: Uint32Array): void {
  const wanted = pattern(array.length, 7);
  if (array.every((word) => word === wanted)) return;
  if (array[0] === 0) return; // the pool was closed: all is zero
  throw new Error(`An array of ${array.length} has wrong contents`);
}

/** What only one worker may do: a pool of its own, which is reset. */
function own(): void {
  using pool = Pool.create({ maxSize: "64MiB", hardening: random.below(4) as 0 | 1 | 2 | 3 });
  for (let round = 0; round < 3; round += 1) {
    for (let index = random.below(200); index > 0; index -= 1) pool.malloc(1 + random.below(5000));
    pool.alloc(Uint8Array, 1000).fill(1);
    if (runtime === "node") continue; // where the array's block comes back in a later turn
    pool.reset();
    const { allocated } = pool.stats();
    if (allocated !== 0) throw new Error(`${allocated} bytes are allocated after a reset`);
  }
}

function step(shared: Shared): void {
  try {
    lots[random.below(lots.length)]?.(shared);
    while (shared.blocks.length > blocksMax) free(shared.pool, shared.blocks.pop() as Pointer);
    while (shared.lists.length > listsMax) freeList(shared.pool, shared.lists.pop() as Pointer);
  } catch (error) {
    if (isClosed(error)) {
      report({ said: "closed", token: shared.token });
      return drop(shared);
    }
    if (!(error instanceof OutOfMemoryError)) throw error;
    giveUp(shared);
  }
}

function giveUp({ pool, blocks, lists }: Shared): void {
  for (const at of blocks.splice(0)) free(pool, at);
  for (const first of lists.splice(0)) freeList(pool, first);
}

function drop(shared: Shared): void {
  shared.pool[Symbol.dispose]();
  pools.delete(shared.token);
}

function leave(shared: Shared): void {
  try {
    giveUp(shared);
    for (const array of shared.arrays.splice(0)) shared.pool.free(array);
  } catch (error) {
    if (!isClosed(error)) throw error;
  }
  drop(shared);
  report({ said: "left", token: shared.token });
}

function follow(order: Order): void {
  switch (order.do) {
    case "start":
      random = new Random(order.seed);
      counts = new Int32Array(order.counts);
      void work();
      return;
    case "attach": {
      const { token } = order;
      try {
        const pool = Pool.attach(token);
        pools.set(token, {
          pool,
          token,
          mailbox: order.mailbox as Pointer,
          blocks: [],
          arrays: [],
          lists: [],
        });
      } catch (error) {
        if (!isClosed(error)) throw error;
      }
      return;
    }
    case "take":
      verifyArray(order.array);
      pools.get(order.token)?.arrays.push(order.array);
      return;
    case "leave": {
      const shared = pools.get(order.token);
      if (shared === undefined) return report({ said: "left", token: order.token });
      return leave(shared);
    }
    case "end":
      if (order.how === "exit") process.exit(0);
      throw new Error("on purpose");
  }
}

function guarded(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (error instanceof Error && error.message === "on purpose") throw error;
    report({ said: "defect", text: error instanceof Error ? error.stack ?? "" : String(error) });
  }
}

async function work(): Promise<void> {
  for (;;) {
    guarded(() => {
      const all = [...pools.values()];
      for (let done = 0; done < batch; done += 1) {
        const shared = all[random.below(all.length)];
        if (shared === undefined) break;
        if (pools.has(shared.token)) step(shared);
        Atomics.add(counts, 0, 1);
      }
      if (random.below(50) === 0) own();
    });
    await turn(); // Deno ends a terminated worker here only
  }
}

scope.onmessage = ({ data }): void => guarded(() => follow(data));
