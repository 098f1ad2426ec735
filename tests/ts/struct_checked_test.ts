/** `checked: true`: views of freed structs throw, however they were freed. */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { array, fields, pointer, Pool, string, struct, text } from "../../mod.ts";

const Point = struct({ x: "i32", y: "i32" });
const Node = struct({
  key: "u32",
  at: Point,
  values: array("f64", 2),
  label: text(4),
  name: string(),
  next: pointer(() => Node),
});

test("checked pools do what others do", () => {
  using pool = Pool.create({ maxSize: "64MiB", checked: true });
  const node = pool.make(Node, { key: 7, at: { x: 1 }, values: [0.5], label: "ab", name: "text" });
  node.next = node;
  assertEquals([node.key, node.at.x, node.values.get(0), node.label], [7, 1, 0.5, "ab"]);
  assertEquals([node.name, node.next.next?.key, node.$next], ["text", 7, node.$pointer]);
  const { key, setKey, next } = fields(Node, pool);
  setKey(node.$pointer, 8);
  assertEquals([key(node.$pointer), next(node.$pointer)], [8, node.$pointer]);
  const points = Point.array(pool, pool.calloc(10, Point.size), 10);
  points.move(9).x = 3;
  assertEquals(points.get(9).x, 3);
  node.next = null;
  pool.free(node);
  pool.free(points.$pointer);
  assertEquals(pool.stats().allocated, 0);
});

const ways: Record<string, (pool: Pool, node: { $pointer: number }) => void> = {
  "a view": (pool, node) => pool.free(node as never),
  "its pointer": (pool, node) => pool.free(node.$pointer as never),
  "many": (pool, node) => pool.freeMany([node.$pointer as never]),
  "a reset": (pool) => pool.reset(),
};

for (const [name, free] of Object.entries(ways)) {
  test(`checked pools refuse every use of a struct freed by ${name}`, () => {
    using pool = Pool.create({ maxSize: "64MiB", checked: true });
    const node = pool.make(Node, { key: 1 });
    const other = new Node(pool, node.$pointer);
    const from = name === "a reset" ? undefined : pool.make(Node, { next: node });
    const { at, values, $pointer } = other;
    const { key, setKey } = fields(Node, pool);
    free(pool, node);
    for (
      const use of [
        () => other.key,
        () => other.key = 1,
        () => other.label,
        () => other.label = "x",
        () => other.name,
        () => other.name = "x",
        () => other.next,
        () => other.next = null,
        () => at.x,
        () => values.get(0),
        () => values.set(0, 1),
        () => other.move($pointer),
        () => new Node(pool, $pointer),
        () => from === undefined ? other.key : from.next?.key,
        () => key($pointer),
        () => setKey($pointer, 1),
        () => pool.free(other),
      ]
    ) assertThrows(use, RangeError, "freed", use.toString());
    assert(pool.check());
  });
}

test("checked pools tell a struct from an older one at its place", () => {
  using pool = Pool.create({ maxSize: "64MiB", checked: true, hardening: 2 });
  const old = pool.make(Point);
  const { $pointer } = old;
  const other = new Point(pool, $pointer);
  pool.free(old);
  const made = Array.from({ length: 1000 }, () => pool.make(Point));
  assert(
    made.some(({ $pointer }) => $pointer === (other as unknown as { $$offset: number }).$$offset),
  );
  assertThrows(() => other.x, RangeError, "was freed");
});

test("Pool.create() refuses a wrong checked", () => {
  for (const checked of [1, "true", null]) {
    assertThrows(() => Pool.create({ checked: checked as never }), TypeError, '"checked"');
  }
});

test("checked: a place that malloc gave out again is not what other views are of", () => {
  using pool = Pool.create({ maxSize: "64MiB", checked: true });
  const Small = struct({ key: "u32", inner: struct({ value: "f64" }) });
  for (const free of ["view", "scope"]) {
    using scope = pool.scope();
    const view = free === "scope" ? scope.make(Small, { key: 1 }) : pool.make(Small, { key: 1 });
    const other = new Small(pool, view.$pointer);
    const inner = other.inner;
    assertEquals([other.key, inner.value], [1, 0]);
    if (free === "scope") scope.close();
    else pool.free(view);
    const at = other.$pointer;
    const blocks = Array.from({ length: 2000 }, () => pool.malloc(Small.size));
    assert(blocks.includes(at), "the place was not given out again");
    assertThrows(() => other.key, RangeError, "was freed");
    assertThrows(() => inner.value, RangeError, "was freed");
    assertEquals(typeof new Small(pool, at).key, "number"); // what is there now may be looked at
    for (const block of blocks) pool.free(block);
  }
});
