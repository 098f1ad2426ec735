/**
 * The soak's main thread: `soak.ts OPERATIONS WORKERS SEED`. Workers do random things to pools that are closed under them,
 * pass arrays and pointers to each other, and are terminated. At the end every worker gives back what it has in the pools
 * that lost none, and those must be empty; nothing of any pool may be left in the process.
 *
 * The last line is one of JSON with what was done. A defect ends it with status 1.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import process from "node:process";
import { type Pointer, Pool, type PoolToken } from "../../mod.ts";
import { collect, Random, runtime, turn } from "../ts/support.ts";
import { startWorker, type WorkerLike } from "../ts/workers.ts";
import { mailboxBytes, mailboxSlots, type Order, type Report } from "./orders.ts";

const [operations = 100_000, workerCount = 4, seed = 1] = process.argv.slice(2).map(Number);

interface Open {
  readonly pool: Pool;
  readonly token: PoolToken;
  readonly mailbox: Pointer;
  /** Workers that were told of it and have not left. */
  readonly users: Set<WorkerLike>;
  /** A worker ended while it had blocks in it, or an array is the collector's. */
  lost: boolean;
  leaving: boolean;
}

const random = new Random(seed);
const counts = new Int32Array(new SharedArrayBuffer(4));
const workers: WorkerLike[] = [];
const open: Open[] = [];
const done = { pools: 0, closedInUse: 0, emptied: 0, ended: 0, arrays: 0 };
let seeds = seed;

function fail(text: string): never {
  console.error(`soak: ${text} (seed ${seed})`);
  process.exit(1);
}

function tell(worker: WorkerLike, order: Order, transfer: unknown[] = []): void {
  worker.postMessage(order, transfer);
}

function hear(worker: WorkerLike, said: Report): void {
  switch (said.said) {
    case "defect":
      return fail(said.text);
    case "give":
      return pass(said.token, said.array);
    case "forgot":
      lose(said.token);
      return;
    case "closed":
      if (open.some((each) => each.token === said.token)) fail("an open pool was found closed");
      return;
    case "left":
      open.find((each) => each.token === said.token)?.users.delete(worker);
  }
}

function lose(token: PoolToken): void {
  const known = open.find((each) => each.token === token);
  if (known !== undefined) known.lost = true;
}

/** From one worker to another, who is still there to free it. */
function pass(token: PoolToken, array: Uint32Array<ArrayBuffer>): void {
  done.arrays += 1;
  const known = open.find((each) => each.token === token);
  if (known === undefined) return;
  const users = known.leaving ? [] : [...known.users];
  const to = users[random.below(users.length)];
  if (to === undefined) known.pool.free(array);
  else tell(to, { do: "take", token, array }, [array.buffer]);
}

function hire(): void {
  const worker = startWorker("../../soak/worker.ts");
  worker.onmessage = ({ data }): void => hear(worker, data as Report);
  worker.onerror = (event): void => {
    event.preventDefault?.();
    const message = event.message ?? "";
    if (!message.includes("on purpose")) fail(`a worker failed: ${message}`);
  };
  workers.push(worker);
  seeds += 1;
  tell(worker, { do: "start", seed: seeds * 7919, counts: counts.buffer });
  for (const each of open) introduce(each, worker);
}

function introduce(each: Open, worker: WorkerLike): void {
  each.users.add(worker);
  tell(worker, { do: "attach", token: each.token, mailbox: each.mailbox });
}

function openPool(): void {
  const giveBack = (["decay", "immediate", "never"] as const)[random.below(3)] ?? "decay";
  const hardening = ([2, 2, 2, 1, 0, 3] as const)[random.below(6)] ?? 2;
  const pool = Pool.create({ maxSize: "256MiB", giveBack, hardening });
  const mailbox = pool.calloc(1, mailboxBytes);
  const each: Open = {
    pool,
    token: pool.token,
    mailbox,
    users: new Set(),
    lost: false,
    leaving: false,
  };
  open.push(each);
  for (const worker of workers) introduce(each, worker);
  done.pools += 1;
}

/** Ends a worker, in its way or in ours. */
function dismiss(): void {
  const worker = workers.splice(random.below(workers.length), 1)[0];
  if (worker === undefined) return;
  for (const each of open) if (each.users.delete(worker)) each.lost = true;
  const how = (["exit", "throw", "terminate", "terminate"] as const)[random.below(4)];
  if (how === "exit" || how === "throw") {
    tell(worker, { do: "end", how });
    setTimeout(() => worker.terminate(), 200);
  } else worker.terminate();
  done.ended += 1;
}

/** Has everybody leave the pool, and looks at what is left in it. */
async function empty(each: Open): Promise<void> {
  each.leaving = true;
  for (const worker of each.users) tell(worker, { do: "leave", token: each.token });
  const begin = performance.now();
  while (each.users.size > 0) {
    if (performance.now() - begin > 60_000) fail(`${each.users.size} workers did not leave`);
    await turn(1);
  }
  if (!each.pool.check()) fail("a pool is not consistent");
  if (each.lost) return;
  for (const at of each.pool.view(Uint32Array, each.mailbox, mailboxSlots)) {
    if (at !== 0) each.pool.free(at as Pointer);
  }
  each.pool.free(each.mailbox);
  // Taking a look frees what hardening level 3 holds back.
  if (!each.pool.check()) fail("a pool is not consistent");
  // In Node freed arrays come back in a later turn.
  for (let n = 0; n < 500 && runtime === "node" && each.pool.stats().allocated > 0; n += 1) {
    await turn(1);
    each.pool.check();
  }
  const { allocated } = each.pool.stats();
  if (allocated > 0) fail(`${allocated} bytes are left in a pool`);
  done.emptied += 1;
}

async function closePool(): Promise<void> {
  const each = open[random.below(open.length)];
  if (each === undefined) return;
  if (random.below(2) === 0) await empty(each);
  else done.closedInUse += 1;
  open.splice(open.indexOf(each), 1);
  each.pool.close();
}

/** What the process holds of pools, and how large it is. */
function holdings(): { files: number; mappings: number; maps: number; resident: number } {
  const maps = readFileSync("/proc/self/maps", "utf8").split("\n");
  const status = readFileSync("/proc/self/status", "utf8");
  return {
    files: readdirSync("/proc/self/fd").filter(isPoolFile).length,
    mappings: maps.filter((line) => line.endsWith("(deleted)")).length,
    maps: maps.length,
    resident: Math.round(Number(/VmRSS:\s*(\d+)/.exec(status)?.[1]) / 1024),
  };
}

function isPoolFile(descriptor: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`).endsWith("(deleted)");
  } catch {
    return false;
  }
}

async function run(): Promise<void> {
  const begin = performance.now();
  for (let index = 0; index < 3; index += 1) openPool();
  for (let index = 0; index < workerCount; index += 1) hire();
  let early = holdings();
  let last = 0;
  let stalled = 0;
  for (;;) {
    const count = Atomics.load(counts, 0);
    if (count >= operations) break;
    if (count < operations / 4) early = holdings();
    stalled = count === last ? stalled + 1 : 0;
    if (stalled === 3000) fail(`nothing is done any more, after ${count} operations`);
    last = count;
    await turn(20);
    const choice = random.below(100);
    if (choice < 6) {
      await closePool();
      openPool();
    } else if (choice < 8) {
      dismiss();
      hire();
    } else if (choice < 10) {
      const pool = open[random.below(open.length)]?.pool;
      if (pool?.check() === false) fail("a pool is not consistent");
    }
  }
  for (const each of open) {
    await empty(each);
    each.pool.close();
  }
  for (const worker of workers.splice(0)) worker.terminate();
  let late = holdings();
  for (let round = 0; round < 300 && late.files + late.mappings > 0; round += 1) {
    await turn(20);
    collect();
    late = holdings();
  }
  const seconds = Math.round((performance.now() - begin) / 100) / 10;
  const operationsDone = Atomics.load(counts, 0);
  console.log(
    JSON.stringify({ runtime, seed, operations: operationsDone, seconds, ...done, early, late }),
  );
  if (late.files + late.mappings > 0) fail("files or mappings of closed pools are left");
  process.exit(0);
}

await run();
