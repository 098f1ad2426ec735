/** Storage: what a pool takes on its file system, and that it gives it back. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Pointer, Pool, VmemError } from "../../mod.ts";
import { program, run } from "./child.ts";
import { assertAllocated, MiB } from "./support.ts";

/** Runs with an empty folder; at the end no file in it may still be open. */
async function withFolder(work: (dir: string) => void | Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "vmem-test-"));
  try {
    await work(dir);
    assertEquals(openFiles(dir), [], "files that are still open");
    assertEquals(readdirSync(dir), []);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Paths of this process's open descriptors below a folder. */
function openFiles(dir: string): string[] {
  return readdirSync("/proc/self/fd").map((number) => `/proc/self/fd/${number}`).filter((path) => {
    try {
      return readlinkSync(path).startsWith(dir);
    } catch {
      return false; // the descriptor that listed the folder
    }
  });
}

/** Bytes that the one open file below a folder takes. */
function storage(dir: string): number {
  const [path, ...more] = openFiles(dir);
  assert(path !== undefined && more.length === 0, "one file is open");
  return statSync(path).blocks * 512;
}

test("a growing pool takes storage as it hands memory out, and trim() gives it back", async () => {
  await withFolder(async (dir) => {
    using pool = Pool.create({ dir, maxSize: "1GiB", giveBack: "never" });
    assertEquals(pool.stats().committed, 0);
    const arrays = Array.from({ length: 8 }, () => pool.alloc(Uint8Array, 16 * MiB).fill(1));
    const full = pool.stats().committed;
    assert(full >= 128 * MiB, `${full} bytes committed`);
    assert(storage(dir) >= 128 * MiB, `${storage(dir)} bytes on the file system`);
    assertEquals(pool.stats().fileBytes, storage(dir));
    for (const array of arrays.slice(1)) pool.free(array);
    await assertAllocated(pool, 16 * MiB);
    assertEquals(pool.stats().committed, full);
    const given = pool.trim();
    const { committed } = pool.stats();
    assertEquals(committed, full - given);
    assert(committed <= 20 * MiB, `${committed} bytes committed after trim`);
    assert(storage(dir) <= 20 * MiB, `${storage(dir)} bytes on the file system after trim`);
    assert(arrays[0]?.every((byte) => byte === 1));
    // What was given back comes back as zeros.
    const again = pool.calloc(1, 64 * MiB);
    assert(pool.view(Uint8Array, again, 64 * MiB).every((byte) => byte === 0));
  });
});

test("a pool that gives back at once does so without trim()", async () => {
  await withFolder((dir) => {
    using pool = Pool.create({ dir, maxSize: "1GiB", giveBack: "immediate" });
    for (let round = 0; round < 4; round += 1) {
      const at = pool.malloc(64 * MiB);
      pool.view(Uint8Array, at, 64 * MiB).fill(1);
      assert(storage(dir) >= 64 * MiB);
      pool.free(at);
    }
    assert(storage(dir) <= 8 * MiB, `${storage(dir)} bytes on the file system`);
  });
});

test("a pool of fixed size has all of its storage from the start to the end", async () => {
  await withFolder((dir) => {
    using pool = Pool.create({ dir, size: "32MiB" });
    assertEquals(pool.stats().committed, 32 * MiB);
    pool.free(pool.malloc("16MiB"));
    assertEquals(pool.trim(), 0);
    assertEquals(pool.stats().committed, 32 * MiB);
  });
});

test("close() gives storage and descriptor back while views and arrays still exist", async () => {
  await withFolder((dir) => {
    const pool = Pool.create({ dir, maxSize: "1GiB" });
    const array = pool.alloc(Uint8Array, 32 * MiB).fill(1);
    const view = pool.view(Uint8Array, pool.malloc(100), 100);
    assertEquals(openFiles(dir).length, 1);
    pool.close();
    assertEquals([array.length, view.length], [0, 0]);
  });
});

test("a directory that does not exist leaves nothing behind", async () => {
  await withFolder((dir) => {
    const error = assertThrows(() => Pool.create({ dir: join(dir, "none") }), VmemError);
    assertEquals(error.code, "ENOENT");
    assert(error.message.includes(join(dir, "none")), error.message);
  });
});

test("views of places that have no storage read zeros and can be written", () => {
  using pool = Pool.create({ maxSize: "1GiB" });
  const place = (512 * MiB) as Pointer;
  const view = pool.view(Uint8Array, place, 1000);
  assert(view.every((byte) => byte === 0));
  view.fill(1);
  // Such writes are lost when the pool comes to use the place.
  const block = pool.calloc(1, 900 * MiB);
  assert(pool.view(Uint8Array, place, 1000).every((byte) => byte === 0));
  pool.free(block);
});

/** Mounting needs rights that neither a container nor an ordinary user need have. */
const mounter = [["unshare", "-m"], ["unshare", "-r", "-m"]].find((words) =>
  run([...words, "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"]).status === 0
);

for (
  const [title, file] of [
    ["a file system that is full gives OutOfMemoryError and nothing worse", "children/full.ts"],
    ["what pools say of the room that a file system has left is so", "children/low.ts"],
  ] as const
) {
  test(title, {
    skip: mounter === undefined ? "mounting a small file system is not permitted here" : false,
  }, async () => {
    await withFolder((dir) => {
      const child = program(file, dir);
      const script = `mount -t tmpfs -o size=16m none "$0" && exec "$@"`;
      const { status, signal, output } = run([...mounter ?? [], "sh", "-c", script, dir, ...child]);
      assertEquals({ status, signal, output: output.trim().split("\n").at(-1) }, {
        status: 0,
        signal: null,
        output: "ok",
      }, output);
    });
  });
}
