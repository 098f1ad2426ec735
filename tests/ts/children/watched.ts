/**
 * Loaded by watch_test.ts again and again: makes a pool that nobody closes, and says how many are open in the process. Another one
 * is to outlive loads, where globals do.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { Pool } from "../../../mod.ts";

/** Files of pools, which have no name any more. */
function files(): number {
  return readdirSync("/proc/self/fd").filter((file) => {
    try {
      return readlinkSync(`/proc/self/fd/${file}`).includes("(deleted)");
    } catch {
      return false; // the folder that was just read
    }
  }).length;
}

const kept = globalThis as { pool?: Pool };

function work(): void {
  kept.pool ??= Pool.create({ dir: "/tmp", maxSize: "64MiB" });
  using same = Pool.attach(kept.pool.token);
  same.free(kept.pool.malloc(100));
  const pool = Pool.create({ dir: "/tmp", maxSize: "64MiB" });
  pool.alloc(Float64Array, 1000).fill(1);
  pool.view(Uint8Array, pool.malloc(100), 100).fill(1);
  const maps = readFileSync("/proc/self/maps", "utf8").split("\n");
  console.log(`loaded ${files()} ${maps.filter((line) => line.includes("(deleted)")).length}`);
}

if (/_test\.ts$/.test(import.meta.url)) test("works", work);
else {
  work();
  setTimeout(() => process.exit(1), 60_000);
}
