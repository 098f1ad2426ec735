/** Pools that several workers use: tokens and attachments. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Pointer, Pool, type PoolToken, VmemError } from "../../mod.ts";
import { program, run } from "./child.ts";
import { assertAllocated, collectUntil, turn } from "./support.ts";
import { attached, startWorker, tell, withWorkers } from "./workers.ts";

function isClosed(action: () => unknown): boolean {
  try {
    action();
    return false;
  } catch (error) {
    return error instanceof VmemError && error.code === "EBADF";
  }
}

test("a token is text that names the pool, also for its attachments", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const token = structuredClone(pool.token);
  assert(typeof token === "string" && token.length < 40);
  using same = Pool.attach(token);
  assertEquals(same.token, pool.token);
  using other = Pool.create({ maxSize: "64MiB" });
  assert(other.token !== pool.token);
});

test("Pool.attach() refuses what is no token", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const { token } = pool;
  const wrong = [
    undefined,
    null,
    0,
    1n,
    {},
    [token],
    Symbol("token"),
    "",
    "vmem",
    "vmem::",
    "vmem:1:",
    ` ${token}`,
    `${token}\n`,
    `${token}zz`,
    token.toUpperCase(),
    token.replace("vmem", "nvme"),
    token.replace(/[^:]+$/, "0"),
  ];
  for (const value of wrong) {
    assertThrows(
      () => Pool.attach(value as PoolToken),
      TypeError,
      "Cannot attach to a pool: it must be the token of one, not",
    );
  }
  const [, instance = "", handle = ""] = token.split(":");
  const elsewhere = instance.startsWith("1") ? `2${instance.slice(1)}` : `1${instance.slice(1)}`;
  assertThrows(
    () => Pool.attach(`vmem:${elsewhere}:${handle}` as PoolToken),
    TypeError,
    "the token is of another process",
  );
  for (const number of ["1vvvv", "vvvvvvvvvv"]) {
    const error = assertThrows(
      () => Pool.attach(`vmem:${instance}:${number}` as PoolToken),
      VmemError,
      "Cannot attach to a pool: the pool is closed",
    );
    assertEquals(error.code, "EBADF");
  }
});

test("a token of another process is refused", () => {
  const { output } = run(program("children/exits.ts", "print a token"));
  assert(output.startsWith("vmem:"), output);
  assertThrows(
    () => Pool.attach(output.trim() as PoolToken),
    TypeError,
    "the token is of another process",
  );
});

test("Pool.attach() after close() is EBADF", () => {
  const pool = Pool.create({ maxSize: "64MiB" });
  const { token } = pool;
  pool.close();
  const error = assertThrows(() => Pool.attach(token), VmemError, "the pool is closed");
  assertEquals(error.code, "EBADF");
  assert(isClosed(() => pool.token));
});

test("the close of an attachment ends that one only", async () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const at = pool.malloc(64);
  const mine = pool.alloc(Uint8Array, 100).fill(1);
  const first = Pool.attach(pool.token);
  const second = Pool.attach(pool.token);
  const array = first.alloc(Uint8Array, 1000).fill(2);
  const view = first.view(Uint8Array, at, 64).fill(3);
  const left = first.malloc(32);
  first.close();
  assertEquals([array.length, view.length], [0, 0]);
  const refused: (() => unknown)[] = [
    () => first.close(),
    () => first.malloc(8),
    () => first.malloc("1MiB"),
    () => first.calloc(1, 8),
    () => first.realloc(at, 100),
    () => first.realloc(0 as Pointer, 100),
    () => first.mallocMany(8, 8),
    () => first.alloc(Uint8Array, 8),
    () => first.resize(mine, 8),
    () => first.free(at),
    () => first.freeMany([at]),
    () => first.usableSize(at),
    () => first.owns(at),
    () => first.view(Uint8Array, at, 8),
    () => first.read(at, new Uint8Array(8)),
    () => first.write(at, new Uint8Array(8)),
    () => first.address(at),
    () => first.copy(at, at, 8),
    () => first.fill(at, 0, 8),
    () => first.compare(at, at, 8),
    () => first.find(at, 8, 0),
    () => first.strdup("text"),
    () => first.readText(at),
    () => first.readText(at, 8),
    () => first.writeText(at, "text", 8),
    () => first.textLength(at),
    () => first.statsText(),
    () => first.wait(at, 0),
    () => first.notify(at),
    () => first.scope(),
    () => first.reset(),
    () => first.stats(),
    () => first.check(),
    () => first.trim(),
    () => first.token,
  ];
  for (const [index, action] of refused.entries()) assert(isClosed(action), `${refused[index]}`);
  first[Symbol.dispose]();
  assertEquals(second.view(Uint8Array, at, 1)[0], 3);
  assert(mine.every((byte) => byte === 1));
  second.free(left);
  second.close();
  pool.free(at);
  pool.free(mine);
  await assertAllocated(pool, 0);
});

test("arrays are known to every attachment", async () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  using same = Pool.attach(pool.token);
  const array = pool.alloc(Uint16Array, 10).fill(7);
  const longer = same.resize(array, 1000);
  assertEquals([array.length, longer[9], longer[10]], [0, 7, 0]);
  pool.free(longer);
  assertThrows(() => same.free(longer), TypeError, "it was freed, resized or transferred already");
  await assertAllocated(pool, 0);
});

test("the close by the creator ends all attachments", async () => {
  const pool = Pool.create({ maxSize: "64MiB" });
  const at = pool.calloc(1, 64);
  pool.view(Uint8Array, at, 1)[0] = 9;
  const here = Pool.attach(pool.token);
  const view = here.view(Uint8Array, at, 64);
  await withWorkers(pool, 1, async ([worker]) => {
    assert(worker !== undefined);
    assertEquals(await tell(worker, { do: "look", at }), [9, true, 16]);
    pool.close();
    // Its view reads zeros until its first call is refused.
    assertEquals(await tell(worker, { do: "look", at }), ["EBADF", 0]);
    assertEquals(await tell(worker, { do: "detach" }), "detached");
  });
  assertEquals([view.length, view[0]], [64, 0]);
  assert(isClosed(() => here.malloc(1)));
  assertEquals(view.length, 0);
  here.close();
  assert(isClosed(() => here.close()));
  assert(isClosed(() => pool.close()));
});

test("blocks are allocated here and freed there", async () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  await withWorkers(pool, 2, async ([one, two]) => {
    assert(one !== undefined && two !== undefined);
    for (let round = 0; round < 3; round += 1) {
      const pointers = await tell(one, { do: "allocate", count: 5000 }) as Pointer[];
      for (const [index, at] of pointers.entries()) {
        assertEquals(pool.view(Float64Array, at, 8)[7], index);
      }
      assertEquals(await tell(two, { do: "free", pointers: pointers.slice(0, 2500) }), "freed");
      pool.freeMany(pointers.slice(2500));
      assertEquals(pool.stats().allocated, 0);
      const mine = Array.from({ length: 5000 }, () => pool.malloc(64));
      assertEquals(await tell(one, { do: "free", pointers: mine }), "freed");
    }
  });
  assertEquals(pool.stats().allocated, 0);
  assert(pool.check());
});

/** Files and mappings of pools in the process, and its threads. */
function holdings(): { files: number; mappings: number; threads: number } {
  const maps = readFileSync("/proc/self/maps", "utf8").split("\n");
  return {
    files: readdirSync("/proc/self/fd").filter(isPoolFile).length,
    mappings: maps.filter((line) => line.includes("(deleted)")).length,
    threads: readdirSync("/proc/self/task").length,
  };
}

const ends = ["leave", "throw", "terminate", "terminate while it waits"] as const;

for (const end of ends) {
  test(`a worker that ends by "${end}" leaves nothing but its blocks`, async () => {
    using pool = Pool.create({ maxSize: "64MiB" });
    const at = pool.calloc(1, 4);
    const life = async (): Promise<void> => {
      const worker = await attached(pool);
      await tell(worker, { do: "make array" });
      await tell(worker, { do: "allocate", count: 10 });
      await tell(worker, { do: "look", at });
      if (end === "throw") {
        await tell(worker, { do: "throw" }).then(
          () => assert(false, "it did not throw"),
          (error) => assert(String(error).includes("on purpose"), String(error)),
        );
      } else if (end === "leave") {
        await tell(worker, { do: "leave" });
      } else if (end === "terminate while it waits") {
        void tell(worker, { do: "wait", at, expected: 0 });
        await turn(5);
        worker.terminate();
        // It may have ended before it waited; whether it ended is looked at below.
        for (let turns = 0; turns < 3000 && pool.notify(at) === 0; turns += 1) await turn(1);
      }
      worker.terminate();
    };
    await life();
    const kept = end === "throw" ? 10 * 64 + 112 : 10 * 64;
    await collectUntil(
      () => pool.stats().allocated === kept + 16,
      "the array of the ended worker came back",
    );
    const before = holdings();
    for (let round = 0; round < 4; round += 1) await life();
    await collectUntil(
      () => pool.stats().allocated === 5 * kept + 16,
      "the arrays of the ended workers came back",
    );
    await collectUntil(() => holdings().threads <= before.threads + 1, "the threads ended");
    const after = holdings();
    assertEquals([after.files, after.mappings], [before.files, before.mappings]);
    assert(pool.check());
  });
}

test("a pool whose creator ended lives as long as it is attached", async () => {
  const before = holdings().files;
  const worker = startWorker("sharing.ts");
  const token = await tell(worker, { do: "create" }) as PoolToken;
  const [at] = await tell(worker, { do: "allocate", count: 1 }) as [Pointer];
  {
    using pool = Pool.attach(token);
    worker.terminate();
    await turn(100);
    assertEquals(pool.view(Float64Array, at, 1)[0], 0);
    pool.free(at);
    assertEquals(pool.stats().allocated, 0);
  }
  await collectUntil(() => holdings().files === before, "the pool's file was closed");
  assertThrows(() => Pool.attach(token), VmemError, "the pool is closed");
});

/** Pools' files have no name any more. */
function isPoolFile(descriptor: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`).endsWith(" (deleted)");
  } catch {
    return false; // that of the listing itself
  }
}
