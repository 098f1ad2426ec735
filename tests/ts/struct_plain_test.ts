/** Views as plain values: JSON, the console, and what a pointer to elsewhere is by each face. */
import { test } from "node:test";
import { inspect } from "node:util";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { array, fields, type Pointer, pointer, Pool, string, struct, text } from "../../mod.ts";
import { runtime } from "./support.ts";

const Vec = struct({ x: "f32", y: "f32" }, { name: "Vec" });
const Node = struct({
  key: "u32",
  big: "u64",
  ok: "bool",
  at: Vec,
  tags: array("i16", 3),
  path: array(Vec, 2),
  links: array(pointer(() => Node), 2),
  ids: array("i64", 2),
  label: text(8),
  name: string(),
  data: pointer(),
  next: pointer(() => Node),
}, { name: "Node" });

test("JSON.stringify(view) gives the fields, and numbers for pointers", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const node = pool.make(Node, {
    key: 7,
    big: 2n ** 63n,
    at: { x: 0.5, y: 1 },
    tags: [1, -2],
    label: "ab",
    name: "Ada",
    ids: [-1n],
  });
  node.next = node;
  node.links.set(1, node);
  const plain = {
    key: 7,
    big: "9223372036854775808",
    ok: false,
    at: { x: 0.5, y: 1 },
    tags: [1, -2, 0],
    path: [{ x: 0, y: 0 }, { x: 0, y: 0 }],
    links: [null, node.$pointer],
    ids: ["-1", "0"],
    label: "ab",
    name: "Ada",
    data: null,
    next: node.$pointer,
  };
  assertEquals(JSON.parse(JSON.stringify(node)), plain);
  assertEquals(JSON.parse(JSON.stringify({ list: [node] })), { list: [plain] });
  assertEquals(JSON.stringify(node.at), `{"x":0.5,"y":1}`);
  assertEquals(JSON.stringify(node.tags), "[1,-2,0]");
  assertEquals(JSON.stringify(node.path), `[{"x":0,"y":0},{"x":0,"y":0}]`);
  assertEquals(JSON.stringify(node.links), `[null,${node.$pointer}]`);
  assertEquals(JSON.stringify(Vec.array(pool, node.path.$pointer, 1)), `[{"x":0,"y":0}]`);
});

test("the console shows a view's fields, whatever they hold", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const point = pool.make(Vec, { x: 0.5, y: 1 });
  assertEquals(inspect(point), "Vec { x: 0.5, y: 1 }");
  const { Deno } = globalThis as { Deno?: { inspect(value: unknown): string } };
  if (runtime === "deno") assertEquals(Deno?.inspect(point), "Vec { x: 0.5, y: 1 }");
  const node = pool.make(Node, { key: 7, big: 5n, name: "Ada" });
  for (const part of ["key: 7", "big: 5n", "name: ", "next: null", "Node {"]) {
    assert(inspect(node).includes(part), inspect(node));
  }
  assertEquals(inspect(node.tags), "elements [ 0, 0, 0 ]");
  assertEquals(inspect([node.at]), "[ Vec { x: 0, y: 0 } ]");
  assert(!inspect(node).includes("$$"));
  // A field that cannot be read says why, the others are shown.
  pool.view(Uint32Array, node.$pointer + Node.offsets.next as Pointer, 2).set([1, 5]);
  assert(inspect(node).includes("next: <Cannot follow"), inspect(node));
  assertThrows(() => JSON.stringify(node), RangeError, `Cannot follow "next"`);
  node.$next = 0 as Pointer;
  pool.free(node);
  assertEquals(inspect(node), "Node <freed>");
  if (runtime === "deno") assertEquals(inspect(Object.getPrototypeOf(node)), "Node {}");
  pool.close();
  assert(inspect(point).startsWith("Vec {"), inspect(point));
});

test("the methods do not show, and their names are no fields", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const point = pool.make(Vec);
  const names: string[] = [];
  for (const name in point) names.push(name);
  assertEquals(names.filter((name) => !name.startsWith("$$")), ["x", "y"]);
  assertThrows(() => struct({ toJSON: "u32" }), TypeError, `the name "toJSON"`);
});

test("a pointer to another place of the same 4 GiB is refused by every face", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const node = pool.make(Node);
  const words = pool.view(Uint32Array, node.$pointer + Node.offsets.next as Pointer, 2);
  const base = pool.address(node.$pointer) - node.$pointer;
  const { next } = fields(Node, pool);
  for (const offset of [64 * 2 ** 20, 2 ** 30 + 8, 2 ** 31 - 8, 2 ** 31 + 64, 2 ** 32 - 64]) {
    words.set([offset, (base + offset) / 2 ** 32]);
    for (const read of [() => node.next, () => node.$next, () => next(node.$pointer)]) {
      assertThrows(read, RangeError, `Cannot follow "next": the address 0x`);
    }
  }
  words.set([node.$pointer, base / 2 ** 32]);
  assertEquals([node.$next, node.next?.$pointer], [node.$pointer, node.$pointer]);
  assertEquals(next(node.$pointer), node.$pointer);
});
