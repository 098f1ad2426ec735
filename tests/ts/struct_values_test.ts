/** Every kind of field with every wrong value: an exception, by all faces, and not a byte is written. */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { array, fields, pointer, Pool, string, struct, text } from "../../mod.ts";

const Other = struct({ a: "u8" });
const All = struct({
  u8: "u8",
  i8: "i8",
  u16: "u16",
  i16: "i16",
  u32: "u32",
  i32: "i32",
  f16: "f16",
  f32: "f32",
  f64: "f64",
  u64: "u64",
  i64: "i64",
  size: "size",
  bool: "bool",
  text: text(4),
  string: string(),
  raw: pointer(),
  next: pointer(() => All),
});

type Name = Exclude<keyof typeof All.fields, never>;

const strange: readonly unknown[] = [
  undefined,
  null,
  "5",
  "",
  {},
  [],
  [5],
  Symbol("5"),
  () => 5,
  new Date(5),
  {
    valueOf: (): number => 5,
  },
];
const noNumber = [...strange, 5n, true];
const noInteger = [...noNumber, NaN, 1.5, Infinity, -Infinity, 1e300, 2 ** 53, -(2 ** 53)];
const noBigint = [...strange, 5, 0, NaN, true];

const wrong: { readonly [K in Name]: readonly unknown[] } = {
  u8: [...noInteger, -1, 256, 2 ** 32],
  i8: [...noInteger, -129, 128, 2 ** 32],
  u16: [...noInteger, -1, 65536, 2 ** 32],
  i16: [...noInteger, -32769, 32768, 2 ** 32],
  u32: [...noInteger, -1, 2 ** 32],
  i32: [...noInteger, -(2 ** 31) - 1, 2 ** 31],
  f16: [...noNumber, 65520, -65520, 1e300],
  f32: [...noNumber, 3.5e38, -1e300],
  f64: noNumber,
  u64: [...noBigint, -1n, 2n ** 64n],
  i64: [...noBigint, -(2n ** 63n) - 1n, 2n ** 63n],
  size: [...noNumber, NaN, 1.5, -1, Infinity, 2 ** 53],
  bool: [...strange, 0, 1, 1n, NaN],
  text: [undefined, null, 5, {}, 5n, "12345", "äöü", "a\0b", "\0"],
  string: [undefined, 5, {}, 5n, true],
  raw: [...noNumber, NaN, 1.5, -1, 1, 4095, 2 ** 40, 2 ** 53],
  next: [undefined, 5, "5", {}, 5n, true, All, new Map()],
};

/** The largest and the smallest that fit, and what they read as. */
const right: { readonly [K in Name]: readonly (readonly [unknown, unknown])[] } = {
  u8: [[0, 0], [255, 255], [-0, 0]],
  i8: [[-128, -128], [127, 127]],
  u16: [[65535, 65535]],
  i16: [[-32768, -32768], [32767, 32767]],
  u32: [[2 ** 32 - 1, 2 ** 32 - 1]],
  i32: [[-(2 ** 31), -(2 ** 31)], [2 ** 31 - 1, 2 ** 31 - 1]],
  f16: [[0.1, 0.0999755859375], [65519, 65504], [Infinity, Infinity], [NaN, NaN]],
  f32: [[0.1, Math.fround(0.1)], [-Infinity, -Infinity], [3.4028235e38, Math.fround(3.4028235e38)]],
  f64: [[0.1, 0.1], [NaN, NaN], [-1e300, -1e300], [-0, -0]],
  u64: [[2n ** 64n - 1n, 2n ** 64n - 1n], [0n, 0n]],
  i64: [[-(2n ** 63n), -(2n ** 63n)], [2n ** 63n - 1n, 2n ** 63n - 1n]],
  size: [[2 ** 53 - 1, 2 ** 53 - 1], [2 ** 32, 2 ** 32], [2 ** 31, 2 ** 31], [0, 0]],
  bool: [[true, true], [false, false]],
  text: [["", ""], ["abcd", "abcd"], ["äö", "äö"], ["\ud800", "\ufffd"]],
  string: [["", ""], ["a\0b", "a\0b"], ["ä".repeat(1000), "ä".repeat(1000)], [null, null]],
  raw: [[4096, 4096], [0, 0]],
  next: [[null, null]],
};

function refuses(action: () => void, what: string): void {
  const error = assertThrows(action);
  assert(error instanceof TypeError || error instanceof RangeError, `${what}: ${error}`);
}

for (const name of Object.keys(wrong) as Name[]) {
  test(`struct: a field ${name} takes what fits and refuses every other value, unchanged`, () => {
    using pool = Pool.create({ maxSize: "64MiB" });
    const view = pool.make(All, { string: "before", text: "old" });
    const at = view.$pointer;
    const functions = fields(All, pool) as unknown as Record<
      string,
      (...values: unknown[]) => unknown
    >;
    const setter = functions[`set${name[0]?.toUpperCase()}${name.slice(1)}`];
    assert(setter !== undefined);
    const bytes = (): Uint8Array => pool.view(Uint8Array, at, All.size).slice();
    const before = bytes();
    const { allocated } = pool.stats();
    for (const value of wrong[name]) {
      const what = `${name} = ${typeof value} ${
        typeof value === "symbol" ? "symbol" : String(value)
      }`;
      refuses(() => Reflect.set(view, name, value), what);
      refuses(() => setter(at, name === "next" ? "x" : value), `function ${what}`);
      refuses(() => pool.make(All, { [name]: value } as never), `make ${what}`);
      assertEquals(bytes(), before, what);
      assertEquals(pool.stats().allocated, allocated, what);
    }
    for (const [value, read] of right[name]) {
      Reflect.set(view, name, value);
      assertEquals(Reflect.get(view, name), read);
      if (name === "next") continue;
      setter(at, value);
      assertEquals(functions[name]?.(at), read);
    }
    pool.free(view);
    assertEquals(pool.stats().allocated, 0);
    assert(pool.check());
  });
}

test("struct: the right values of pointers", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const a = pool.make(All);
  const b = pool.make(All, { next: a, raw: a.$pointer });
  assertEquals([b.$next, b.raw], [a.$pointer, a.$pointer]);
  b.$next = b.$pointer;
  assertEquals(b.next?.$pointer, b.$pointer);
  for (const value of wrong.raw) refuses(() => b.$next = value as never, `$next = ${typeof value}`);
  refuses(() => b.next = pool.make(Other) as never, "another struct");
  assertEquals(b.$next, b.$pointer);
  const freed = pool.make(All);
  pool.free(freed);
  refuses(() => b.next = freed, "a freed view");
  assertThrows(() => (a.next as typeof a).u8, TypeError);
});

test("struct: what is read from memory that is no such value is refused or harmless", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const view = pool.make(All);
  const bytes = pool.view(Uint8Array, view.$pointer, All.size).fill(0xff);
  assertThrows(() => view.size, RangeError, "a size is at most 2^53 - 1");
  assertThrows(() => view.string, RangeError, "is not in this pool");
  assertThrows(() => view.string = "x", RangeError, "is not in this pool");
  assertThrows(() => view.next, RangeError, "is not in this pool");
  assertThrows(() => view.raw, RangeError, "is not in this pool");
  assertEquals([view.bool, view.text, view.u64], [true, "\ufffd".repeat(4), 2n ** 64n - 1n]);
  bytes.fill(0);
  // The length of a text that reaches beyond the pool, and its block is another one's.
  const block = pool.malloc(16);
  pool.view(Uint32Array, block, 1)[0] = 2 ** 32 - 1;
  view.$string = block;
  assertThrows(() => view.string, RangeError, "is no text");
  view.$string = view.$pointer;
  assertEquals(view.string, "");
});

test("struct: indices of arrays are checked", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const Arrays = struct({ values: array("f64", 4), others: array(Other, 4) });
  const view = pool.make(Arrays);
  const functions = fields(Arrays, pool);
  for (const index of [-1, 4, 1.5, NaN, 2 ** 32, "1", undefined, null, 1n] as never[]) {
    refuses(() => view.values.get(index), "get");
    refuses(() => view.values.set(index, 1), "set");
    refuses(() => view.others.get(index), "get");
    refuses(() => view.others.move(index), "move");
    refuses(() => functions.values(view.$pointer, index), "function");
    refuses(() => functions.setValues(view.$pointer, index, 1), "function");
    refuses(() => functions.others(view.$pointer, index), "function");
  }
  refuses(() => view.values.set(0, "1" as never), "value");
  refuses(() => functions.setValues(view.$pointer, 0, 1n as never), "value");
  refuses(() => Reflect.set(view, "values", 1) || fail(), "the array itself");
});

function fail(): never {
  throw new TypeError("Reflect.set said no");
}
