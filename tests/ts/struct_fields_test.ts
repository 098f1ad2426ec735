/** Field functions and arrays of structs, also where pools are larger than a window. */
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { array, fields, pointer, Pool, string, struct, text, VmemError } from "../../mod.ts";
import { run } from "./child.ts";
import { runtime } from "./support.ts";

const Point = struct({ x: "i32", y: "i32" });
const Node = struct({
  key: "u32",
  at: Point,
  path: array(Point, 4),
  values: array("f64", 3),
  links: array(pointer(() => Node), 2),
  label: text(4),
  name: string(),
  next: pointer(() => Node),
});

test("fields() do what views do", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const view = pool.make(Node, { name: "first" });
  const node = view.$pointer;
  const functions = fields(Node, pool);
  const { key, setKey, at, path, values, setValues, links, setLinks } = functions;
  const { label, setLabel, name, setName, next, setNext } = functions;
  const { x, setX } = fields(Point, pool);
  setKey(node, 7);
  setX(at(node), -1);
  setX(path(node, 3), 5);
  setValues(node, 2, 0.5);
  setLinks(node, 1, node);
  setLabel(node, "ab");
  setName(node, "second");
  setNext(node, node);
  assertEquals([view.key, view.at.x, view.path.get(3).x, view.values.get(2)], [7, -1, 5, 0.5]);
  assertEquals([view.label, view.name, view.$next], ["ab", "second", node]);
  assertEquals(view.links.get(1)?.$pointer, node);
  assertEquals([key(node), x(at(node)), x(path(node, 3)), values(node, 2)], [7, -1, 5, 0.5]);
  assertEquals([label(node), name(node), next(node), links(node, 1), links(node, 0)], [
    "ab",
    "second",
    node,
    node,
    0,
  ]);
  setNext(node, 0);
  assertEquals([next(node) as number, view.next], [0, null]);
  assertEquals(Object.keys(functions).filter((each) => /^set(At|Path)$/.test(each)), []);
});

test("fields() refuse wrong pointers", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const { key, setKey, at } = fields(Node, pool);
  const far = 64 * 2 ** 20 - Node.size;
  for (
    const pointer of [0, 1, 4095, -4096, 1.5, NaN, Infinity, far + 1, 2 ** 32, 2 ** 40, 2 ** 53]
  ) {
    assertThrows(
      () => key(pointer),
      pointer === 0 ? TypeError : RangeError,
      undefined,
      `${pointer}`,
    );
    assertThrows(() => setKey(pointer, 1), pointer === 0 ? TypeError : RangeError);
    assertThrows(() => at(pointer), pointer === 0 ? TypeError : RangeError);
  }
  for (const pointer of ["4096", undefined, null, 4096n, {}, [4096]] as never[]) {
    assertThrows(() => key(pointer), TypeError);
    assertThrows(() => setKey(pointer, 1), TypeError);
  }
  setKey(far, 9);
  assertEquals(key(far), 9);
});

test("fields() of what is no struct or no pool, and of fields whose names clash", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  assertThrows(() => fields({} as never, pool), TypeError, "is not a struct");
  assertThrows(() => fields(Point, {} as never), TypeError, "is not a pool");
  assertThrows(() => fields(Point, undefined as never), TypeError, "is not a pool");
  const Clash = struct({ a: "u8", setA: "u8" });
  assertThrows(() => fields(Clash, pool), TypeError, '"setA"');
});

test("fields() of a closed pool throw", () => {
  const pool = Pool.create({ maxSize: "64MiB" });
  const at = pool.calloc(1, Node.size);
  const { key } = fields(Node, pool);
  assertEquals(key(at), 0);
  pool.close();
  assertThrows(() => key(at), TypeError);
  assertThrows(() => fields(Node, pool), VmemError, "the pool is closed");
});

test("struct.array() has new views, and one that moves", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const length = 1000;
  const points = Point.array(pool, pool.calloc(length, Point.size), length);
  for (let i = 0; i < length; i += 1) points.get(i).x = i;
  let sum = 0;
  for (let i = 0; i < points.length; i += 1) sum += points.move(i).x;
  assertEquals(sum, 499_500);
  assertStrictEquals(points.move(3), points.move(4));
  assertEquals([points.move(5).x, points.get(0).x], [5, 0]);
  assertEquals([...points].at(-1)?.x, 999);
  assertEquals(points.get(1).$pointer, points.$pointer + 8);
  assertThrows(() => points.get(1000), RangeError, "from 0 to 999");
  const bytes = struct({ byte: "u8" }).array(pool, points.$pointer, 2);
  assertThrows(() => bytes.get(2), RangeError, 'element of "array": the index is from 0 to 1');
  for (const length of [0, -1, 1.5, NaN]) {
    assertThrows(() => Point.array(pool, points.$pointer, length), RangeError);
  }
  assertThrows(() => Point.array(pool, points.$pointer, 2 ** 40), RangeError);
  assertThrows(() => Point.array(pool, 0, 1), TypeError, "null");
});

test("struct: everything works all over a pool of 20 GiB", () => {
  using pool = Pool.create({ maxSize: "20GiB" });
  const GiB = 2 ** 30;
  // Before and behind every border of windows and of 4 GiB, in windows with a buffer and without.
  const places = [1, 2, 3, 4, 5, 8, 12, 16, 19]
    .flatMap((n) => [n * GiB - Node.size, n * GiB - 8, n * GiB, n * GiB + 4096])
    .concat(20 * GiB - Node.size);
  const { key, setKey, next, setNext, values, setValues, label, setLabel } = fields(Node, pool);
  const cursor = new Node(pool, 4096);
  for (const [i, place] of places.entries()) {
    // Parts of two structs that overlap are not compared: 8 bytes before a border one begins that ends behind it.
    const view = new Node(pool, place);
    view.key = i;
    view.values.set(2, i / 2);
    view.label = "far";
    view.path.get(3).y = -i;
    assertEquals([view.key, view.values.get(2), view.label, view.path.get(3).y], [
      i,
      i / 2,
      "far",
      -i,
    ]);
    assertEquals([key(place), values(place, 2), label(place)], [i, i / 2, "far"]);
    assertEquals([cursor.move(place).key, cursor.$pointer as number], [i, place]);
    setKey(place, i + 1);
    setValues(place, 0, 1.5);
    setLabel(place, "x");
    assertEquals([view.key, cursor.values.get(0), cursor.label], [i + 1, 1.5, "x"]);
    for (const target of places) {
      view.next = new Node(pool, target);
      assertEquals([view.$next as number, view.next?.$pointer as number], [target, target]);
      view.$next = 0 as never;
      setNext(place, target);
      assertEquals([next(place) as number, cursor.next?.$pointer as number], [target, target]);
    }
  }
  assertThrows(() => new Node(pool, 20 * GiB - Node.size + 1), RangeError);
});

test("struct: arrays cross the borders of windows", () => {
  using pool = Pool.create({ maxSize: "6GiB" });
  const start = 2 ** 32 - 8 * 100;
  const points = Point.array(pool, start, 200);
  for (let i = 0; i < 200; i += 1) points.move(i).x = i;
  for (let i = 0; i < 200; i += 1) {
    assertEquals([points.get(i).x, points.get(i).$pointer as number], [i, start + 8 * i]);
  }
  const far = Point.array(pool, 4096, 3 * 2 ** 26);
  far.move(3 * 2 ** 26 - 1).y = 7;
  assertEquals(far.get(3 * 2 ** 26 - 1).y, 7);
});

test("struct: strings behind the windows", () => {
  using pool = Pool.create({ maxSize: "20GiB" });
  const view = new Node(pool, 17 * 2 ** 30);
  view.name = "x".repeat(100_000);
  assertEquals(view.name.length, 100_000);
  view.name = null;
  assertEquals(pool.stats().allocated, 0);
});

test("struct: a window grows under views that are there already", () => {
  using pool = Pool.create({ maxSize: "1GiB" });
  const head = pool.make(Node, { key: 1 });
  const far = new Node(pool, 900 * 2 ** 20);
  far.key = 2;
  head.next = far;
  assertEquals([head.next.key, head.key, new Node(pool, head.$pointer).key], [2, 1, 1]);
  far.next = head;
  assertEquals(far.next.next?.key, 2);
  assert(pool.check());
});

test("fields() of a loop that is compiled already follow the window as it grows, and pointers behind it", () => {
  using pool = Pool.create({ maxSize: "3GiB" });
  const { key, setKey, next, setNext } = fields(Node, pool);
  const readAll = (from: number): number => {
    let sum = 0;
    for (let i = 0; i < 1000; i += 1) sum += key(from) + next(from);
    return sum;
  };
  setKey(4096, 1);
  for (let i = 0; i < 300; i += 1) assertEquals(readAll(4096), 1000);
  for (const place of [2 ** 24, 2 ** 29, 2 ** 30 + 2 ** 20, 2 ** 31 + 4096]) {
    setKey(place, 2);
    setNext(place, place);
    assertEquals(readAll(place), (2 + place) * 1000);
    assertEquals(readAll(4096), 1000);
    assertThrows(() => readAll(0), TypeError, "null");
    assertThrows(() => readAll(4096.5), RangeError);
  }
});

test("fields() refuse foreign addresses", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  using other = Pool.create({ maxSize: "64MiB" });
  const { next } = fields(Node, pool);
  const foreign = fields(Node, other);
  const node = pool.calloc(1, Node.size);
  const there = other.calloc(1, Node.size);
  foreign.setNext(there, there);
  const words = other.view(Int32Array, there + Node.offsets.next as never, 2).slice();
  const place = pool.view(Int32Array, node + Node.offsets.next as never, 2);
  for (
    const [low, high] of [words, [4096, 0], [0, words[1]], [-1, -1], [
      2 ** 28,
      2 ** 28,
    ]] as Int32Array[]
  ) {
    place.set([low, high] as number[]);
    assertThrows(() => next(node), RangeError, "is not in this pool");
  }
  place.fill(0);
  assertEquals(next(node) as number, 0);
});

if (runtime !== "bun" && process.env["VMEM_TEST_INNER"] === undefined) {
  test("fields() work where text may not become code", () => {
    const files = ["struct_fields_test.ts", "struct_values_test.ts"];
    const flag = "--disallow-code-generation-from-strings";
    const first = runtime === "deno" ? ["test", "-A", "--no-check", `--v8-flags=${flag}`] : [
      "--disable-warning=ExperimentalWarning",
      `--import=${new URL("../node/register.ts", import.meta.url).href}`,
      flag,
      "--test",
    ];
    const tests = files.map((file) => fileURLToPath(new URL(file, import.meta.url)));
    // Node runs no tests for tests, unless it does not know of it.
    const words = ["env", "-u", "NODE_TEST_CONTEXT", process.execPath, ...first, ...tests];
    const { status, output } = run(words, { VMEM_TEST_INNER: "1" });
    assertEquals(status, 0, output);
    assert(/[1-9]\d passed|pass [1-9]\d/.test(output), output);
  });
}
