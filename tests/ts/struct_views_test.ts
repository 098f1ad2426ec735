/** Views, moved views and what `pool.make` and `pool.free` do, on the real memory of a pool. */
import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  array,
  fields,
  type Pointer,
  pointer,
  Pool,
  string,
  struct,
  text,
  VmemError,
} from "../../mod.ts";

const Vec = struct({ x: "f32", y: "f32" }, { name: "vec" });
const Node = struct({
  key: "u32",
  value: "f64",
  id: "u64",
  length: "size",
  ok: "bool",
  position: Vec,
  tags: array("u8", 4),
  path: array(Vec, 3),
  label: text(8),
  name: string(),
  data: pointer(),
  next: pointer(() => Node),
  owner: pointer(() => Owner),
}, { name: "node" });
const Owner = struct({ first: pointer(() => Node), ok: "bool" });

test("struct: views read and write every kind of field", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const node = pool.make(Node);
  assertEquals([node.key, node.value, node.id, node.length, node.ok], [0, 0, 0n, 0, false]);
  assertEquals([node.label, node.name, node.data, node.next, node.owner], [
    "",
    null,
    0,
    null,
    null,
  ]);
  node.key = 2 ** 32 - 1;
  node.value = -0.5;
  node.id = 2n ** 64n - 1n;
  node.length = 2 ** 53 - 1;
  node.ok = true;
  node.position.y = 0.25;
  node.tags.set(3, 255);
  node.path.get(2).x = 1.5;
  node.label = "12345678";
  node.name = "größer als acht Bytes";
  node.data = node.$pointer;
  node.next = node;
  assertEquals([node.key, node.value, node.ok], [2 ** 32 - 1, -0.5, true]);
  assertEquals([node.id, node.length], [2n ** 64n - 1n, 2 ** 53 - 1]);
  assertEquals([node.position.x, node.position.y], [0, 0.25]);
  assertEquals([...node.tags], [0, 0, 0, 255]);
  assertEquals([...node.path].map(({ x, y }) => [x, y]), [[0, 0], [0, 0], [1.5, 0]]);
  assertEquals([node.label, node.name], ["12345678", "größer als acht Bytes"]);
  assertEquals(node.next.next?.$pointer, node.$pointer);
});

test("struct: what C finds at the fields' offsets", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const node = pool.make(Node, { key: 7, value: 0.5, ok: true, label: "abc", name: "text" });
  node.next = node;
  const bytes = new DataView(pool.view(Uint8Array, node.$pointer, Node.size).slice().buffer);
  const { offsets } = Node;
  assertEquals(bytes.getUint32(offsets.key, true), 7);
  assertEquals(bytes.getFloat64(offsets.value, true), 0.5);
  assertEquals(bytes.getUint8(offsets.ok), 1);
  assertEquals(bytes.getUint32(offsets.label, true), 0x636261);
  const address = BigInt(pool.address(node.$pointer));
  assertEquals(bytes.getBigUint64(offsets.next, true), address);
  assertEquals([...pool.view(Uint8Array, node.$name, 9)], [4, 0, 0, 0, 116, 101, 120, 116, 0]);
  assertEquals(
    bytes.getBigUint64(offsets.name, true),
    BigInt(pool.address(node.$name)),
  );
});

test("struct: a moved view is one of another struct", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const nodes = [1, 2, 3].map((key) => pool.make(Node, { key }));
  const cursor = new Node(pool, nodes[0]?.$pointer ?? 0);
  assertEquals(nodes.map(({ $pointer }) => cursor.move($pointer).key), [1, 2, 3]);
  assertStrictEquals(cursor.move(cursor.$pointer), cursor);
  assertThrows(() => cursor.move(0), TypeError, "the pointer is null");
  assertThrows(() => cursor.move(1.5), RangeError);
  assertThrows(() => cursor.move("pointer" as never), TypeError);
  assertEquals(cursor.key, 3);
});

test("struct: lists are followed by views and by pointers", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  let head: ReturnType<typeof pool.make<typeof Node.fields>> | null = null;
  for (let key = 0; key < 100; key += 1) head = pool.make(Node, { key, next: head });
  assert(head !== null);
  let sum = 0;
  for (let node: typeof head | null = head; node !== null; node = node.next) sum += node.key;
  assertEquals(sum, 4950);
  const cursor = new Node(pool, head.$pointer);
  for (let at: Pointer = cursor.$pointer; at !== 0; at = cursor.$next) sum -= cursor.move(at).key;
  assertEquals(sum, 0);
});

test("pool.make() sets first values, also nested ones", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const first = pool.make(Node, {
    position: { x: 1 },
    tags: [1, 2],
    path: [{ y: 1 }, { x: 2 }],
    name: "",
  });
  assertEquals([first.position.x, ...first.tags], [1, 1, 2, 0, 0]);
  assertEquals([first.path.get(0).y, first.path.get(1).x, first.name], [1, 2, ""]);
  assertEquals(pool.make(Owner, { first }).first?.position.x, 1);
});

test("pool.make() with a wrong value throws and keeps nothing", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const wrong: [unknown, unknown][] = [
    [Node, { key: -1 }],
    [Node, { name: "allocated before the next", id: 1 }],
    [Node, { nope: 1 }],
    [Node, { key: undefined }],
    [Node, { position: { z: 1 } }],
    [Node, { position: 1 }],
    [Node, { tags: [1, 2, 3, 4, 5] }],
    [Node, { tags: 1 }],
    [Node, { path: [1] }],
    [Node, null],
    [Node, 1],
    [{}, {}],
    [undefined, undefined],
    [Object, {}],
  ];
  for (const [type, values] of wrong) {
    const error = assertThrows(() => pool.make(type as never, values as never));
    assert(error instanceof TypeError || error instanceof RangeError, String(error));
    assertEquals(pool.stats().allocated, 0, JSON.stringify(values));
  }
});

test("pool.free() of a view frees the struct with its strings, and the view throws", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const Names = struct({ names: array(string(), 3), inner: struct({ name: string() }) });
  const names = pool.make(Names, { names: ["a", "b"], inner: { name: "c" } });
  const node = pool.make(Node, { name: "x".repeat(1000) });
  pool.free(names);
  const { $pointer } = node;
  pool.free(node);
  assertEquals(pool.stats().allocated, 0);
  assertThrows(() => node.key, RangeError);
  assertThrows(() => node.key = 1, RangeError);
  assertThrows(() => node.label, RangeError);
  assertThrows(() => node.label = "x", RangeError);
  assertThrows(() => node.name, RangeError);
  assertThrows(() => node.name = "x", RangeError);
  assertThrows(() => node.next, RangeError);
  assertThrows(() => node.next = null, RangeError);
  assertThrows(() => node.position.x, RangeError);
  assertThrows(() => node.tags.get(0), RangeError);
  assertThrows(() => node.$pointer, RangeError, "was freed");
  assertThrows(() => pool.free(node), RangeError, "was freed");
  assertEquals(pool.stats().allocated, 0);
  assertEquals(node.move(pool.calloc(1, Node.size)).key, 0);
  assert($pointer > 0 && pool.check());
});

test("pool.free() of a second view of a freed struct is refused", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const node = pool.make(Node, { name: "kept" });
  const other = new Node(pool, node.$pointer);
  pool.free(node);
  assertThrows(() => pool.free(other), RangeError, "was freed already");
  const block = pool.make(Node);
  assertThrows(() => pool.free(block.position), RangeError);
  assertThrows(() => pool.free(block.path.get(1)), RangeError);
  assertEquals(pool.stats().allocated, pool.usableSize(block.$pointer));
});

test("struct: a view of another pool is refused, and one of another struct", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  using other = Pool.create({ maxSize: "64MiB" });
  const here = pool.make(Node);
  const there = other.make(Node);
  assertThrows(() => here.next = there, TypeError, "another pool");
  assertThrows(() => other.free(here), TypeError, "another pool");
  for (const wrong of [pool.make(Owner), {}, 1, undefined, here.$pointer, "x", Node]) {
    assertThrows(() => here.next = wrong as never, TypeError, "points to node");
  }
  assertEquals([here.next, here.$next as number], [null, 0]);
  const address = other.address(there.$pointer);
  new DataView(pool.view(Uint8Array, here.$pointer, Node.size).buffer)
    .setBigUint64(here.$pointer + Node.offsets.next, BigInt(address), true);
  assertThrows(() => here.next, RangeError, "is not in this pool");
  assertThrows(() => here.$next, RangeError, "is not in this pool");
});

test("struct: views of a closed pool throw, and so does what takes the pool", () => {
  const pool = Pool.create({ maxSize: "64MiB" });
  const node = pool.make(Node, { name: "x" });
  const { $pointer } = node;
  pool.close();
  assertThrows(() => node.key, TypeError);
  assertThrows(() => node.key = 1, TypeError);
  assertThrows(() => node.label, TypeError);
  assertThrows(() => node.name, TypeError);
  assertThrows(() => node.next, TypeError);
  assertThrows(() => new Node(pool, $pointer), VmemError, "the pool is closed");
  assertThrows(() => Node.array(pool, $pointer, 1), VmemError, "the pool is closed");
  assertThrows(() => pool.make(Node), VmemError, "the pool is closed");
  assertThrows(() => pool.free(node), VmemError, "the pool is closed");
});

test("a window whose buffer was moved away is replaced at the next use of the pool", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const Pair = struct({ key: "u32", next: pointer(() => Pair) });
  const made = pool.make(Pair, { key: 5 });
  const at = made.$pointer;
  const { key, setKey, next } = fields(Pair, pool);
  assertEquals(key(at), 5);
  const move = (): void => {
    const { buffer } = pool.view(Uint8Array, at, 8);
    buffer.transfer();
    assertThrows(() => made.key, TypeError); // a view stays where it was
  };
  move();
  assertEquals(key(at), 5); // functions find out by themselves
  setKey(at, 6);
  assertEquals([new Pair(pool, at).key, next(at)], [6, 0]);
  move();
  assertEquals(pool.view(Uint8Array, at, 1)[0], 6);
  assertEquals(new Pair(pool, at).key, 6);
  move();
  const other = pool.make(Pair, { key: 7 });
  assertEquals([other.key, new Pair(pool, at).key, key(at)], [7, 6, 6]);
  pool.close();
  assertThrows(() => key(at), TypeError);
  assertThrows(() => new Pair(pool, at), VmemError);
});
