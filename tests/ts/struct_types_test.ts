/** What the compiler infers and refuses. The step `types` checks this file; running it only shows that it is right. */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import {
  array,
  type ArrayOf,
  fields,
  type Init,
  type Pointer,
  pointer,
  type PointerTo,
  Pool,
  string,
  type Struct,
  struct,
  text,
  type View,
} from "../../mod.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true
  : false;
function same<A, B>(_: Equal<A, B>): void {}

const Vec = struct({ x: "f32", y: "f32" });
const Node = struct({
  key: "u32",
  id: "u64",
  ok: "bool",
  at: Vec,
  tags: array("u8", 4),
  path: array(Vec, 3),
  label: text(8),
  name: string(),
  data: pointer(),
  next: pointer(() => Node),
  owner: pointer(() => Owner),
});
// Each names the other; Node is declared before.
const Owner = struct({ first: pointer(() => Node), ok: "bool" });
type NodeView = View<typeof Node.fields>;

test("types: fields have the types of their declarations", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const node: NodeView = pool.make(Node);
  same<typeof node.key, number>(true);
  same<typeof node.id, bigint>(true);
  same<typeof node.ok, boolean>(true);
  same<typeof node.at.x, number>(true);
  same<typeof node.label, string>(true);
  same<typeof node.name, string | null>(true);
  same<typeof node.data, Pointer>(true);
  same<typeof node.$next, Pointer>(true);
  same<typeof node.$name, Pointer>(true);
  same<typeof node.next, NodeView | null>(true);
  same<ReturnType<typeof node.tags.get>, number>(true);
  same<ReturnType<typeof node.path.get>, View<typeof Vec.fields>>(true);
  const owner = node.next?.owner?.first?.owner;
  same<typeof owner, View<typeof Owner.fields> | null | undefined>(true);
  same<keyof typeof Node.offsets, keyof typeof Node.fields>(true);
  const functions = fields(Node, pool);
  same<typeof functions.id, (pointer: number) => bigint>(true);
  same<typeof functions.setId, (pointer: number, value: bigint) => void>(true);
  same<typeof functions.next, (pointer: number) => Pointer>(true);
  same<typeof functions.setNext, (pointer: number, value: number) => void>(true);
  same<typeof functions.at, (pointer: number) => Pointer>(true);
  same<typeof functions.tags, (pointer: number, index: number) => number>(true);
  same<typeof functions.path, (pointer: number, index: number) => Pointer>(true);
  assertEquals(node.key, 0);
});

test("types: a struct that is exported can be annotated", () => {
  interface PointFields {
    readonly x: "f64";
    readonly y: "f64";
  }
  const Point: Struct<PointFields> = struct({ x: "f64", y: "f64" });
  const first: Init<PointFields> = { x: 1 };
  using pool = Pool.create({ maxSize: "64MiB" });
  const point: View<PointFields> = pool.make(Point, first);
  assertEquals([point.x, point.y], [1, 0]);
});

test("types: a struct that leads to itself can be annotated, so that it is no any for those who import it", () => {
  interface LinkFields {
    readonly key: "u32";
    readonly next: PointerTo<() => Struct<LinkFields>>;
    readonly all: ArrayOf<PointerTo<() => Struct<LinkFields>>>;
  }
  const Link: Struct<LinkFields> = struct({
    key: "u32",
    next: pointer(() => Link),
    all: array(pointer(() => Link), 2),
  });
  using pool = Pool.create({ maxSize: "64MiB" });
  const link = pool.make(Link, { key: 1 });
  same<typeof link.next, View<LinkFields> | null>(true);
  link.next = link;
  link.all.set(1, link);
  const key: number | undefined = link.next?.next?.all.get(1)?.key;
  // @ts-expect-error no struct
  const wrong = (): unknown => link.next = 5;
  assertEquals([key, typeof wrong], [1, "function"]);
});

/** Never called: every statement is a mistake. */
export function mistakes(pool: Pool): void {
  const node = pool.make(Node);
  // @ts-expect-error a bigint field given a number
  node.id = 4;
  // @ts-expect-error a number field given a bigint
  node.key = 4n;
  // @ts-expect-error no such field
  node.nope;
  // @ts-expect-error a nested struct is a place
  node.at = pool.make(Vec);
  // @ts-expect-error so is an array
  node.tags = pool.make(Node).tags;
  // @ts-expect-error structs in an array are moved or got, not set
  node.path.set(0, node.at);
  // @ts-expect-error no such type
  struct({ a: "u7" });
  // @ts-expect-error a view of another struct
  node.owner = node;
  // @ts-expect-error text is never null
  node.label = null;
  // @ts-expect-error only pointers have their number
  node.$key;
  // @ts-expect-error a pointer without a type is the number itself
  node.$data;
  // @ts-expect-error the view's own pointer
  node.$pointer = node.$next;
  // @ts-expect-error any number is no pointer
  node.data = 5;
  // @ts-expect-error no such field to begin with
  pool.make(Node, { keys: 1 });
  // @ts-expect-error a value of another type
  pool.make(Node, { at: { x: "1" } });
  // @ts-expect-error no pool
  new Node(5, node.$pointer);
  // @ts-expect-error no setter for a nested struct
  fields(Node, pool).setAt;
  // @ts-expect-error a pointer is a number here
  fields(Node, pool).setNext(node.$pointer, node);
}

/** Never called: every statement is a mistake. */
export function mistakenBlocks(pool: Pool): void {
  // @ts-expect-error no block
  pool.free({});
  // @ts-expect-error arrays that are no columns of a pool
  pool.free({ id: new Uint32Array(4) });
  // @ts-expect-error a number that is no pointer
  pool.free(5);
  // @ts-expect-error a list of pointers is for freeMany
  pool.free([pool.malloc(8)]);
  // @ts-expect-error a struct, not a view of one
  pool.free(Node);
  // @ts-expect-error no block
  pool.resize({}, 5);
  // @ts-expect-error no block
  pool.scope().keep({});
}
