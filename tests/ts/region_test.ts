/** Pools in memory of the program's own, at addresses that are not those of a pool. */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { fields, type Pointer, pointer, Pool, string, struct, VmemError } from "../../mod.ts";
import { Mapping } from "./mapping.ts";
import { GiB, MiB, reset, runtime, turn } from "./support.ts";

const page = 4096;
const Node = struct({ key: "u32", name: string(), next: pointer(() => Node) });

/** A multiple of 4 GiB where nothing is. */
const round = 0x3000 * 4 * GiB;

function refusal(make: () => unknown): string {
  return assertThrows(make, VmemError).code;
}

/** Everything that a pool can do, in a pool that is empty. */
async function use(pool: Pool): Promise<void> {
  const first = pool.malloc(100);
  assertEquals(pool.address(first) % 2 ** 32, first % 2 ** 32);
  pool.view(Uint8Array, first, 100).fill(7);
  const copy = new Uint8Array(100);
  pool.read(first, copy);
  assertEquals(new Set(copy), new Set([7]));
  const aligned = pool.malloc(100, { align: 65536 });
  assertEquals([pool.address(aligned) % 65536, aligned % 65536], [0, 0]);
  const array = pool.resize(pool.alloc(Float64Array, 1000), 50_000);
  assertEquals([array.length, array[49_999]], [50_000, 0]);
  const text = pool.strdup("grüße");
  assertEquals([pool.readText(text), pool.find(text, 7, "ße")], ["grüße", 4]);
  let head = pool.make(Node, { key: 0, name: "0" });
  for (let key = 1; key < 1000; key += 1) {
    head = pool.make(Node, { key, name: String(key), next: head });
  }
  let keys = 0;
  for (let node: typeof head | null = head; node !== null; node = node.next) {
    assertEquals(node.name, String(node.key));
    keys += node.key;
  }
  const { key, next } = fields(Node, pool);
  const cursor = new Node(pool, head.$pointer);
  for (let at: number = head.$pointer; at !== 0; at = next(at)) {
    assertEquals(cursor.move(at).key, key(at));
    assertEquals(cursor.$next, next(at));
    keys -= key(at);
  }
  assertEquals(keys, 0);
  assert(pool.check());
  if (runtime === "node") { for (let turns = 0; turns < 5; turns += 1) await turn(1); // the shorter array's block
   }
  const live = [...pool.blocks()];
  assertEquals(live.length, 2004);
  assert(live.every(({ pointer }) => pool.owns(pointer)));
  await reset(pool);
  assertEquals([array.length, pool.stats().allocated], [0, 0]);
}

test("Pool.inRegion() makes a pool on memory at any page, and leaves it to its owner", async () => {
  for (
    const address of [0, round, round + page, round + 3 * GiB - page, round + 4 * GiB - 2 * MiB]
  ) {
    using mapping = new Mapping(32 * MiB, address);
    {
      using pool = Pool.inRegion(mapping.address, mapping.size);
      await use(pool);
      const { mapped, committed, available } = pool.stats();
      assertEquals([mapped, committed], [mapping.size, mapping.size]);
      assert(available > mapping.size - 64 * 1024 && available < mapping.size);
      const all = pool.malloc(available - 64 * 1024);
      assertEquals(pool.address(all) >= mapping.address + page, true);
    }
    // It is still mapped, and may be a pool again.
    using again = Pool.inRegion(BigInt(mapping.address), "16MiB", { hardening: 3 });
    await use(again);
  }
});

test("a region over a multiple of 4 GiB: structs that lie across it, and pointers over it", () => {
  using mapping = new Mapping(8 * MiB, round + 4 * GiB - 4 * MiB);
  using pool = Pool.inRegion(mapping.address, mapping.size);
  const line = 4 * GiB;
  const nodes: Pointer[] = [];
  // The block across the line is found by filling the pool.
  for (let at = pool.malloc(1024); at < line + MiB; at = pool.malloc(1024)) nodes.push(at);
  const across = struct({ head: "u32", next: pointer(() => across), tail: "u32" });
  const near = nodes.filter((at) => Math.abs(at - line) < 2048);
  assert(near.some((at) => at < line) && near.some((at) => at >= line));
  for (const from of [...near, line - 8, line - 4, line - 12] as Pointer[]) {
    const view = new across(pool, from);
    view.head = 5;
    view.tail = 6;
    for (const to of [...near, line - 8] as Pointer[]) {
      if (to === from) continue;
      view.$next = to;
      assertEquals([view.$next, view.next?.$pointer], [to, to]);
      view.next = new across(pool, to);
      assertEquals([view.$next, fields(across, pool).next(from)], [to, to]);
    }
    view.next = view;
    assertEquals([view.next?.$pointer, view.head, view.tail], [from, 5, 6]);
    assertEquals(pool.view(Uint8Array, from, 24)[0], 5);
  }
});

test("nothing before a region is ever reached", () => {
  using mapping = new Mapping(4 * MiB, round + GiB + page);
  using pool = Pool.inRegion(mapping.address, mapping.size);
  const begin = GiB + page;
  const eight = new Uint8Array(8);
  for (const at of [8, page, begin - 8, begin, begin + page - 8] as Pointer[]) {
    for (
      const wrong of [
        () => pool.read(at, eight),
        () => pool.write(at, eight),
        () => pool.fill(at, 0, 8),
        () => pool.view(Uint8Array, at, 8),
        () => pool.readText(at, 8),
        () => pool.textLength(at),
        () => pool.writeText(at, "abc", 8),
        () => pool.compare(at, at, 8),
        () => pool.find(at, 8, 0),
        () => pool.copy(at, at, 8),
        () => pool.wait(at, 0, { timeout: 1 }),
        () => pool.notify(at),
        () => new Node(pool, at),
        () => pool.free(at),
        () => fields(Node, pool).key(at),
        () => pool.address(at),
      ]
    ) assertThrows(wrong, RangeError);
    assert(!pool.owns(at));
  }
  assertEquals(pool.view(Uint8Array, pool.malloc(8), 8).byteOffset, page);
});

test("a region that is no region is refused with the reason", () => {
  using mapping = new Mapping(8 * MiB);
  const { address } = mapping;
  for (const wrong of [undefined, "1", {}, null]) {
    assertThrows(() => Pool.inRegion(wrong as never, MiB), TypeError, "the address must be");
  }
  for (const wrong of [0, -page, NaN, 0.5, 2 ** 60, -1n, 2n ** 70n]) {
    assertThrows(() => Pool.inRegion(wrong, MiB), RangeError, "is not an address");
  }
  assertThrows(() => Pool.inRegion(address, MiB - 1), RangeError);
  assertThrows(() => Pool.inRegion(address, MiB, { dir: "/tmp" } as never), TypeError, `"dir"`);
  assertEquals(refusal(() => Pool.inRegion(address + 8, 2 * MiB)), "EINVAL");
  assertEquals(refusal(() => Pool.inRegion(address, 2 ** 52)), "EFBIG");
  using unwritable = new Mapping(2 * MiB, 0, "read");
  assertEquals(
    refusal(() => Pool.inRegion(unwritable.address, 2 * MiB, { prefault: true })),
    "EINVAL",
  );
});

test("two pools never share memory", async () => {
  using mapping = new Mapping(8 * MiB);
  const { address } = mapping;
  using first = Pool.inRegion(address, 4 * MiB);
  const error = assertThrows(() => Pool.inRegion(address + 2 * MiB, 4 * MiB), VmemError);
  assertEquals(error.code, "EEXIST");
  assert(error.message.includes("another pool has a part of this memory"), error.message);
  using beside = Pool.inRegion(address + 4 * MiB, 4 * MiB);
  using file = Pool.create({ maxSize: "8MiB" });
  assertEquals(refusal(() => Pool.inRegion(file.address(page as Pointer), 2 * MiB)), "EEXIST");
  first.close();
  using again = Pool.inRegion(address, 4 * MiB);
  await use(again);
  await use(beside);
});

test("a region larger than a window has structs all over it", () => {
  using mapping = new Mapping(3 * GiB, round + 2 * GiB + 5 * page);
  using pool = Pool.inRegion(mapping.address, mapping.size);
  const Big = struct({ key: "u32", next: pointer(() => Big) });
  let head = pool.make(Big, { key: 0 });
  for (let key = 1; key < 12; key += 1) {
    pool.malloc(256 * MiB - 8192);
    head = pool.make(Big, { key, next: head });
  }
  const keys: number[] = [];
  for (let at: typeof head | null = head; at !== null; at = at.next) keys.push(at.key);
  assertEquals(keys, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  assertEquals(pool.view(Uint8Array, head.$pointer, 4)[0], 11);
});
