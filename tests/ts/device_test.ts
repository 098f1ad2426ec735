/** Pools on the device of DAX that VMEM_TEST_DAX names; `deno task test:dax` has one. Its contents are lost. */
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Pool, VmemError } from "../../mod.ts";
import { MiB } from "./support.ts";

const device: string = process.env["VMEM_TEST_DAX"] ?? "";

test("a pool on a device has all of it, and is there once", {
  skip: device === "" ? "VMEM_TEST_DAX names no device of DAX (deno task test:dax)" : false,
}, () => {
  const dirty = Pool.create({ device });
  const { mapped, committed } = dirty.stats();
  assert(mapped >= 16 * MiB, `${mapped} bytes`);
  assertEquals(committed, mapped);
  dirty.alloc(Uint8Array, 8 * MiB).fill(0xee);
  assertEquals(assertThrows(() => Pool.create({ device }), VmemError).code, "EBUSY");
  const asDirectory = assertThrows(() => Pool.create({ dir: device }), VmemError);
  assertEquals(asDirectory.code, "EINVAL");
  assert(asDirectory.message.includes("it is a DAX device, not a directory"), asDirectory.message);
  assertEquals(dirty.trim(), 0);
  dirty.close();

  // The device is free at once; what it still holds is not taken for zeros.
  using pool = Pool.create({ device });
  const array = pool.alloc(Uint8Array, 8 * MiB);
  assert(array.every((byte) => byte === 0));
  const numbers = pool.resize(pool.alloc(Float64Array, 1000).fill(0.5), 500_000);
  assertEquals([numbers[999], numbers[1000], numbers[499_999]], [0.5, 0, 0]);
  const at = pool.malloc(100);
  pool.view(Uint8Array, at, 100).fill(7);
  pool.free(at);
  assert(pool.check());
  array.fill(1);
  pool.close();
  assertEquals(array.length, 0);
});
