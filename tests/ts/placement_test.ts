/** How a pool's pages come to be: in advance, of 2 MiB, on a node. */
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Pool, type PoolOptions, VmemError } from "../../mod.ts";
import { Mapping } from "./mapping.ts";
import { MiB } from "./support.ts";

const hasHugePages = existsSync("/sys/kernel/mm/transparent_hugepage");
const hasNodes = existsSync("/sys/devices/system/node/node0");

/** The numbers of /proc/self/smaps for the mapping with an address. */
function mapping(address: number): { resident: number; huge: number; flags: string } {
  let inside = false;
  const found = { resident: 0, huge: 0, flags: "" };
  for (const line of readFileSync("/proc/self/smaps", "utf8").split("\n")) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line);
    if (range !== null) {
      inside = address >= parseInt(range[1] ?? "", 16) && address < parseInt(range[2] ?? "", 16);
    }
    if (!inside) continue;
    const [name, value = ""] = line.split(/:\s*/);
    if (name === "Rss") found.resident = parseInt(value) * 1024;
    if (name?.endsWith("PmdMapped") || name === "AnonHugePages") {
      found.huge += parseInt(value) * 1024;
    }
    if (name === "VmFlags") found.flags = value;
  }
  return found;
}

function refusal(options: unknown): string {
  return assertThrows(() => Pool.create(options as PoolOptions), VmemError).code;
}

test("prefault maps a pool's pages before they are touched", () => {
  for (const dir of ["/dev/shm", "/tmp"]) {
    using lazy = Pool.create({ dir, size: "8MiB" });
    using ready = Pool.create({ dir, size: "8MiB", prefault: true });
    assertEquals(mapping(lazy.address(lazy.malloc(8))).resident, 0);
    assertEquals(mapping(ready.address(ready.malloc(8))).resident, 8 * MiB);
    using grows = Pool.create({ dir, maxSize: "64MiB", prefault: true });
    const at = grows.malloc("5MiB");
    assert(mapping(grows.address(at)).resident >= 5 * MiB);
  }
  using memory = new Mapping(4 * MiB);
  using pool = Pool.inRegion(memory.address, memory.size, { prefault: true });
  assert(mapping(pool.address(pool.malloc(8))).resident >= 4 * MiB); // it may be joined to others
});

test("hugePages asks for pages of 2 MiB", {
  skip: hasHugePages ? false : "a kernel without huge pages",
}, () => {
  for (const size of [{ size: "8MiB" }, { maxSize: "64MiB" }] as const) {
    using pool = Pool.create({ dir: "/dev/shm", ...size, hugePages: true, prefault: true });
    const at = pool.calloc(1, 3 * MiB);
    // A machine that is short of memory has none; that they were asked for shows in the flags.
    const { huge, flags } = mapping(pool.address(at));
    assert(huge > 0 || flags.split(" ").includes("hg"), flags);
    assert(pool.view(Uint8Array, at, 3 * MiB).every((byte) => byte === 0));
    assert(pool.check());
  }
  using memory = new Mapping(8 * MiB);
  using pool = Pool.inRegion(memory.address, memory.size, { hugePages: true });
  assert(mapping(pool.address(pool.malloc(8))).flags.split(" ").includes("hg"));
});

test("numaNode takes pages from a node that is there", {
  skip: hasNodes ? false : "a kernel without NUMA",
}, () => {
  for (const size of [{ size: "8MiB" }, { maxSize: "64MiB" }] as const) {
    using pool = Pool.create({ dir: "/dev/shm", ...size, numaNode: 0 });
    const at = pool.malloc(MiB);
    pool.fill(at, 1, MiB);
    const start = pool.address(at);
    const line = readFileSync("/proc/self/numa_maps", "utf8").split("\n").filter((each) => {
      const address = parseInt(each, 16);
      return address <= start && address > start - 64 * MiB;
    }).at(-1);
    assert(line === undefined || /prefer.*:0/.test(line), line);
  }
  using memory = new Mapping(4 * MiB);
  using pool = Pool.inRegion(memory.address, memory.size, { numaNode: 0, prefault: true });
  assert(pool.check());
  const error = assertThrows(() => Pool.create({ dir: "/dev/shm", numaNode: 1000 }), VmemError);
  assertEquals(error.code, "EINVAL");
  assert(error.message.includes("no memory on a NUMA node 1000"), error.message);
});

test("options of placement that are none are refused", () => {
  for (const name of ["prefault", "hugePages"]) {
    for (const wrong of [1, "true", null]) {
      assertThrows(
        () => Pool.create({ [name]: wrong }),
        TypeError,
        `"${name}" must be false or true`,
      );
    }
  }
  for (const wrong of ["0", null, true, 1n]) {
    assertThrows(() => Pool.create({ numaNode: wrong as never }), TypeError, "must be a number");
  }
  for (const wrong of [-1, 0.5, NaN, 1024, Infinity]) {
    assertThrows(() => Pool.create({ numaNode: wrong }), RangeError, "from 0 to 1023");
  }
  assertEquals(refusal({ dir: "/dev/shm", size: "1MiB", numaNode: 1023 }), "EINVAL");
});
