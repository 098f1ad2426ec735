/** Scopes: groups of blocks that end together. */
import { test } from "node:test";
import { promisify } from "node:util";
import { deflate } from "node:zlib";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  OutOfMemoryError,
  type Pointer,
  pointer,
  Pool,
  type Scope,
  string,
  struct,
  VmemError,
} from "../../mod.ts";
import { assertAllocated, collectUntil, MiB, Random, withPool } from "./support.ts";
import { ask, startWorker } from "./workers.ts";

const options = { maxSize: "64MiB" } as const;

function allocateAll(scope: Scope): void {
  scope.malloc(100);
  scope.malloc(100, { align: 4096 });
  scope.calloc(10, 8);
  scope.strdup("text");
  scope.realloc(scope.malloc(10), 100_000);
  scope.realloc(0 as Pointer, 10);
  scope.resize(scope.alloc(Float64Array, 10), 1000);
  scope.columns({ id: "u32", price: "f64" }, 100);
  scope.resize(scope.columns({ id: "u32", price: "f64" }, 10), 100);
}

test("a scope frees what was allocated through it", async () => {
  using pool = Pool.create(options);
  pool.malloc(64); // not of the scope
  {
    using scope = pool.scope();
    allocateAll(scope);
    assert(pool.stats().allocated > 110_000);
  }
  await assertAllocated(pool, 64);
  assert(pool.check());
});

test("a scope frees also what an exception leaves behind", async () => {
  using pool = Pool.create({ size: "1MiB" });
  assertThrows(() => {
    using scope = pool.scope();
    allocateAll(scope);
    throw new Error("on purpose");
  }, Error);
  await assertAllocated(pool, 0);
  assertThrows(() => {
    using scope = pool.scope();
    for (;;) scope.malloc(1000);
  }, OutOfMemoryError);
  await assertAllocated(pool, 0);
  // A refusal changes nothing in the scope.
  using scope = pool.scope();
  const at = scope.malloc(100);
  const array = scope.alloc(Uint8Array, 10).fill(1);
  assertThrows(() => scope.realloc(at, "2MiB"), OutOfMemoryError);
  assertThrows(() => scope.resize(array, 2 * MiB), OutOfMemoryError);
  assertThrows(() => scope.malloc(0), RangeError);
  assertThrows(() => scope.calloc(1, -1), RangeError);
  assertThrows(() => scope.alloc(Uint8Array, 0), RangeError);
  assertEquals([array.length, pool.owns(at)], [10, true]);
  scope.close();
  await assertAllocated(pool, 0);
  assert(pool.check());
});

test("a scope that ended does nothing any more", () => {
  withPool(options, (pool) => {
    const scope = pool.scope();
    const at = scope.malloc(8);
    const array = scope.alloc(Uint8Array, 8);
    scope.close();
    assertEquals(array.length, 0);
    assertEquals(pool.owns(at), false);
    const other = pool.malloc(8); // likely the same place
    scope.close();
    scope[Symbol.dispose]();
    assert(pool.owns(other));
    pool.free(other);
    const uses = [
      (): unknown => scope.malloc(8),
      (): unknown => scope.calloc(1, 8),
      (): unknown => scope.strdup("text"),
      (): unknown => scope.realloc(0 as Pointer, 8),
      (): unknown => scope.alloc(Uint8Array, 8),
      (): unknown => scope.resize(array, 8),
      (): unknown => scope.scope(),
    ];
    for (const use of uses) assertThrows(use, TypeError, "the scope is closed");
    assertThrows(() => scope.free(other), RangeError, "is not of this scope");
    assertThrows(() => scope.keep(other), RangeError, "is not of this scope");
  });
});

test("scope.free() and scope.keep() take what is the scope's, and nothing else", () => {
  withPool(options, (pool) => {
    const foreign = pool.malloc(64);
    const foreignArray = pool.alloc(Uint8Array, 64);
    using scope = pool.scope();
    const [first, second, third] = [scope.malloc(64), scope.malloc(64), scope.malloc(64)];
    const array = scope.alloc(Uint8Array, 64);
    for (
      const wrong of [foreign, foreignArray, first + 8 as Pointer]
    ) {
      assertThrows(() => scope.free(wrong), RangeError, "Cannot free a block");
      assertThrows(() => scope.keep(wrong), RangeError, "Cannot keep a block");
    }
    assertThrows(() => scope.free("64" as unknown as Pointer), RangeError, "is not of this scope");
    assertThrows(() => scope.free(undefined as unknown as Pointer), RangeError, "of this scope");
    assertThrows(() => scope.free(array.subarray(1)), TypeError, "it is a part of an array");
    assertThrows(() => scope.realloc(foreign, 8), RangeError, "Cannot resize a block");
    assertThrows(() => scope.resize(foreignArray, 8), RangeError, "Cannot resize an array");
    scope.free(0 as Pointer);
    scope.free(third);
    assertThrows(() => scope.free(third), RangeError, "is not of this scope");
    scope.free(first);
    scope.free(array);
    assertEquals(array.length, 0);
    assertThrows(() => scope.free(array), RangeError, "is not of this scope");
    const kept = scope.keep(scope.alloc(Uint8Array, 10).fill(5));
    assertEquals(scope.keep(second), second);
    scope.close();
    assertEquals([pool.owns(second), kept[9]], [true, 5]);
    pool.free(second);
    pool.free(kept);
    pool.free(foreign);
    pool.free(foreignArray);
  });
});

test("scopes in scopes end with them, or before", () => {
  withPool(options, (pool) => {
    const outer = pool.scope();
    const inner = outer.scope();
    const innermost = inner.scope();
    const blocks = [outer, inner, innermost].map((scope) => scope.malloc(64));
    assertEquals(blocks.map((at) => pool.owns(at)), [true, true, true]);
    inner.close();
    assertEquals(blocks.map((at) => pool.owns(at)), [true, false, false]);
    assertThrows(() => innermost.malloc(8), TypeError, "the scope is closed");
    const second = outer.scope();
    second.malloc(64);
    const third = pool.scope();
    const other = third.malloc(64);
    outer.close();
    assertThrows(() => second.malloc(8), TypeError, "the scope is closed");
    assertEquals(pool.stats().allocated, 64);
    third.free(other);
    third.close();
  });
});

test("a scope survives what was freed, resized or posted behind its back", async () => {
  using pool = Pool.create(options);
  const scope = pool.scope();
  const blocks = Array.from({ length: 10 }, () => scope.malloc(64));
  pool.freeMany([blocks[0], blocks[5], blocks[9]] as Pointer[]);
  const arrays = Array.from({ length: 3 }, () => scope.alloc(Uint8Array, 100).fill(6));
  const [freed, resized, posted] = arrays;
  assert(freed !== undefined && resized !== undefined && posted !== undefined);
  pool.free(freed);
  const longer = pool.resize(resized, 200);
  const worker = startWorker("worker.ts");
  try {
    await ask(worker, { ask: "keep", array: posted }, [posted.buffer]);
    scope.close();
    assertEquals(longer[99], 6);
    assertEquals(await ask(worker, { ask: "report" }), [100, 6, 6]);
  } finally {
    worker.terminate();
  }
  pool.free(longer);
  await collectUntil(() => pool.stats().allocated === 0, "the posted array came back");
  assert(pool.check());
});

test("a scope ends well after its pool, and while its arrays are in use", async () => {
  const closed = Pool.create(options);
  const late = closed.scope();
  allocateAll(late);
  closed.close();
  assertThrows(() => late.malloc(8), VmemError, "the pool is closed");
  late.close();
  assertThrows(() => closed.scope(), VmemError, "the pool is closed");

  using pool = Pool.create(options);
  for (let round = 0; round < 10; round += 1) {
    const scope = pool.scope();
    const work = promisify(deflate)(scope.alloc(Uint8Array, 4 * MiB).fill(1));
    scope.malloc(100);
    scope.close();
    await work;
  }
  await collectUntil(() => pool.stats().allocated === 0, "the arrays came back");
});

test("many scopes with random contents leave nothing", () => {
  withPool(options, (pool) => {
    const random = new Random(5);
    const open: Scope[] = [];
    const blocks: [Scope, Pointer][] = [];
    for (let step = 0; step < 20_000; step += 1) {
      const scope = open[random.below(Math.max(1, open.length))];
      const choice = random.below(20);
      if (scope === undefined || choice === 0) {
        open.push(scope === undefined || choice % 2 === 0 ? pool.scope() : scope.scope());
      } else if (choice === 1 && open.length > 3) {
        open.splice(open.indexOf(scope), 1);
        scope.close();
      } else if (choice < 14) {
        try {
          blocks.push([scope, scope.malloc(1 + random.below(1000))]);
        } catch (error) {
          assert(error instanceof TypeError); // it ended with an outer one
          open.splice(open.indexOf(scope), 1);
        }
      } else {
        const [of, at] = blocks.splice(random.below(blocks.length), 1)[0] ?? [];
        if (of === undefined || at === undefined) continue;
        try {
          of.free(at);
        } catch (error) {
          assert(error instanceof RangeError);
        }
      }
    }
    for (const scope of open) scope.close();
  });
});

test("columns are a scope's until they are freed or kept", () => {
  withPool(options, (pool) => {
    const scope = pool.scope();
    const [gone, kept, left] = [0, 1, 2].map(() => scope.columns({ id: "u32", price: "f64" }, 10));
    assert(gone !== undefined && kept !== undefined && left !== undefined);
    scope.free(gone);
    assertEquals(gone.id.length, 0);
    assertThrows(() => scope.free(gone), RangeError, "is not of this scope");
    assertEquals(scope.keep(kept), kept);
    const longer = scope.resize(left, 20);
    const foreign = pool.columns({ id: "u8" }, 1);
    for (const columns of [foreign, kept]) {
      assertThrows(() => scope.resize(columns, 2), RangeError, "is not of this scope");
      assertThrows(() => scope.keep(columns), RangeError, "is not of this scope");
    }
    scope.close();
    assertThrows(() => scope.columns({ id: "u8" }, 1), TypeError, "the scope is closed");
    assertEquals([longer.id.length, kept.id.length, foreign.id.length], [0, 10, 1]);
    pool.free(kept);
    pool.free(foreign);
  });
});

test("a scope frees structs with their strings, moved views or not", () => {
  const Item = struct({ id: "u32", name: string(), next: pointer(() => Item) });
  withPool(options, (pool) => {
    const outside = pool.make(Item, { name: "outside" });
    const scope = pool.scope();
    const first = scope.make(Item, { id: 1, name: "first" });
    const second = scope.make(Item, { id: 2, name: "second", next: first });
    const cursor = scope.make(Item, { id: 3, name: "third" });
    cursor.move(outside.$pointer);
    const kept = scope.keep(scope.make(Item, { name: "kept" }));
    scope.free(first);
    assertThrows(() => first.id, RangeError);
    assertThrows(() => scope.free(first), RangeError, "is not of this scope");
    assertThrows(() => scope.free(outside), RangeError, "is not of this scope");
    assertThrows(() => scope.keep(kept), RangeError, "is not of this scope");
    assertThrows(() => scope.make(Item, { id: -1 }), RangeError);
    scope.close();
    assertThrows(() => second.id, RangeError);
    assertEquals([outside.name, cursor.name, kept.name], ["outside", "outside", "kept"]);
    assertThrows(() => scope.make(Item), TypeError, "the scope is closed");
    pool.free(kept);
    pool.free(outside);
    assertEquals(pool.stats().allocated, 0);
  });
});

test("a scope tells its structs from those of other pools, and ends whatever was written over them", () => {
  const Item = struct({ id: "u32", name: string() });
  using pool = Pool.create({ maxSize: "8MiB" });
  using other = Pool.create({ maxSize: "8MiB" });
  const scope = pool.scope();
  const item = scope.make(Item);
  const foreign = other.make(Item);
  assertEquals(foreign.$pointer, item.$pointer);
  assertThrows(() => scope.keep(foreign), RangeError, "is not of this scope");
  assertThrows(() => scope.free(foreign), RangeError, "is not of this scope");
  pool.fill(item.$pointer, 0xff, Item.size);
  scope.close();
  assertEquals([pool.stats().allocated, pool.check()], [0, true]);
});
