/** Wrong use of columns. */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type ColumnType, OutOfMemoryError, Pool, VmemError } from "../../mod.ts";
import { noNumbers, noWholeNumbers, refuses, show } from "./wrong.ts";
import { assertAllocated, MiB, runtime, withPool } from "./support.ts";

const small = { maxSize: "64MiB" } as const;

test("pool.columns() refuses every wrong argument and loses nothing", () => {
  withPool(small, (pool) => {
    const wrongTypes = [
      ...noNumbers.filter((value) => typeof value !== "object" || Array.isArray(value)),
      undefined,
      null,
      1,
      {},
      ...["u128", "", "U8", "toString", "__proto__", 8, null, undefined, Uint8Array, ["u8"]].map(
        (type) => ({ good: "u8", bad: type }),
      ),
    ];
    for (const types of wrongTypes) {
      const wrong = types as Record<string, ColumnType>;
      refuses(() => pool.columns(wrong, 10), `columns(${show(types)})`);
    }
    for (const length of [...noNumbers, ...noWholeNumbers, undefined, 0, -0]) {
      refuses(() => pool.columns({ a: "u8" }, length as number), `length ${show(length)}`);
    }
    assertThrows(() => pool.columns({ a: "f64", b: "u8" }, 2 ** 51), RangeError, "2^53 - 1");
    assertThrows(() => pool.columns({ a: "u8" }, 2 ** 53 - 1), OutOfMemoryError);
    assertThrows(
      () => pool.columns({ good: "u8", bad: "u9" as "u8" }, 1),
      TypeError,
      'the type of column "bad" must be one of u8, i8',
    );
  });
});

test("columns of another pool, or freed already, are refused", async () => {
  using pool = Pool.create(small);
  using other = Pool.create(small);
  const columns = other.columns({ x: "f64", y: "u8" }, 10);
  assertThrows(() => pool.free(columns), TypeError, "not a block of this pool");
  assertThrows(() => pool.resize(columns, 2), TypeError, "not a block of this pool");
  assertThrows(() => other.free(columns.y), TypeError, "it is a part of an array");
  assertThrows(() => other.free({ ...columns }), TypeError, "Cannot free an array");
  assertThrows(() => other.resize({ ...columns }, 3), TypeError, "Cannot resize an array");
  assertEquals(columns.x.length, 10);
  other.free(columns);
  assertThrows(() => other.free(columns), TypeError, "was freed, resized or transferred already");
  assertThrows(() => other.resize(columns, 2), TypeError, "was freed, resized or transferred");
  await assertAllocated(other, 0);
});

test("closing the pool takes the columns' memory away", () => {
  const pool = Pool.create(small);
  const columns = pool.columns({ x: "f64", y: "u8" }, 10);
  pool.close();
  assertEquals([columns.x.length, columns.y.length], [0, 0]);
  assertThrows(() => pool.columns({ a: "u8" }, 1), VmemError, "the pool is closed");
  assertThrows(() => pool.free(columns), VmemError, "the pool is closed");
  assertThrows(() => pool.resize(columns, 1), VmemError, "the pool is closed");
});

test("columns larger than a buffer of the runtime are refused", () => {
  using pool = Pool.create({ maxSize: "16GiB", giveBack: "never" });
  const make = () => pool.columns({ x: "f64", y: "f64" }, 300 * MiB);
  if (runtime === "bun") {
    assertThrows(make, RangeError, "of a buffer on Bun");
    return;
  }
  const columns = make();
  columns.y[300 * MiB - 1] = 0.5;
  assert(columns.y.byteOffset > 2 ** 31);
  pool.free(columns);
});
