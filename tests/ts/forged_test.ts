/** Arrays that lie: own properties, subclasses and prototypes that say what is not so. Native code must never believe them. */
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { type Pointer, Pool } from "../../mod.ts";
import { assertAllocated } from "./support.ts";

const real = 64;

/** What an array can claim to have, each of it more or other than it has. */
const claims: readonly PropertyDescriptorMap[] = [
  { byteLength: { value: 1 << 20 } },
  { length: { value: 1 << 20 } },
  { byteLength: { get: () => 2 ** 40 }, length: { value: 2 ** 37 } },
  { byteLength: { value: NaN } },
  { byteLength: { value: 0 }, length: { value: 0 } },
  { buffer: { value: new ArrayBuffer(1 << 20) }, byteLength: { value: 1 << 20 } },
  { buffer: { value: { byteLength: real, detached: false } } },
  { byteOffset: { value: 8 } },
  { [Symbol.toStringTag]: { value: "DataView" } },
  { [Symbol.toStringTag]: { value: undefined } },
  { BYTES_PER_ELEMENT: { value: 1024 } },
];

class Liar extends Uint8Array<ArrayBuffer> {
  override get byteLength(): number {
    return 1 << 20;
  }
  override get length(): number {
    return 1 << 20;
  }
  override get byteOffset(): number {
    return 8;
  }
  override get buffer(): ArrayBuffer {
    return new ArrayBuffer(1 << 20);
  }
}

class LyingView extends DataView<ArrayBuffer> {
  override get byteLength(): number {
    return 1 << 20;
  }
  override get byteOffset(): number {
    return 8;
  }
}

/** Arrays of 64 bytes with something right behind them that must stay, and that must not be read. */
function* liars(): Generator<{ array: ArrayBufferView; around: Uint8Array }> {
  for (const claim of claims) {
    const around = new Uint8Array(1 << 16).fill(9);
    const array = new Uint8Array(around.buffer, 128, real).fill(1);
    yield { array: Object.defineProperties(array, claim), around };
  }
  for (const type of [Liar, LyingView]) {
    const around = new Uint8Array(1 << 16).fill(9);
    around.fill(1, 128, 128 + real);
    yield { array: new type(around.buffer, 128, real), around };
  }
}

test("arrays of one class that inherit from another are refused, or are what they were", () => {
  using pool = Pool.create({ size: "8MiB" });
  const at = pool.calloc(1, 4096);
  const array = Object.setPrototypeOf(new Uint8Array(real), DataView.prototype);
  const view = Object.setPrototypeOf(new DataView(new ArrayBuffer(real)), Uint8Array.prototype);
  for (const wrong of [array, view]) {
    assertThrows(() => pool.write(at, wrong), TypeError, "Cannot write to the pool");
    assertThrows(() => pool.read(at, wrong), TypeError, "Cannot read from the pool");
    assertThrows(() => pool.fill(at, wrong, 100), TypeError, "Cannot fill bytes");
    assertThrows(() => pool.find(at, 100, wrong), TypeError, "Cannot search bytes");
  }
  pool.write(at, Object.setPrototypeOf(new Uint8Array(8).fill(3), Float64Array.prototype));
  assertEquals([...pool.view(Uint8Array, at, 9)], [3, 3, 3, 3, 3, 3, 3, 3, 0]);
});

test("pool.write() takes the bytes that an array has, whatever it says", () => {
  using pool = Pool.create({ size: "8MiB" });
  const at = pool.calloc(1, 4096);
  for (const { array } of liars()) {
    pool.fill(at, 5, 4096);
    pool.write(at, array);
    const bytes = pool.view(Uint8Array, at, 4096);
    assertEquals([bytes[0], bytes[real - 1], bytes[real]], [1, 1, 5]);
  }
});

test("pool.read() writes into the bytes that an array has, whatever it says", () => {
  using pool = Pool.create({ size: "8MiB" });
  const at = pool.calloc(1, 2 << 20);
  pool.fill(at, 7, 2 << 20);
  for (const { array, around } of liars()) {
    pool.read(at, array);
    assertEquals([...around.subarray(126, 130)], [9, 9, 7, 7]);
    assertEquals([...around.subarray(128 + real - 2, 128 + real + 2)], [7, 7, 9, 9]);
  }
});

test("pool.fill() and pool.find() take the bytes that an array has, whatever it says", () => {
  using pool = Pool.create({ size: "8MiB" });
  const at = pool.calloc(1, 4096);
  for (const { array } of liars()) {
    pool.fill(at, array, 4096);
    assertEquals(new Set(pool.view(Uint8Array, at, 4096)), new Set([1]));
    assertEquals(pool.find(at, 4096, array), 0);
  }
});

test("pool.free(), resize() and usableSize() know an array by its memory, whatever it says", async () => {
  using pool = Pool.create({ size: "8MiB" });
  for (const claim of claims) {
    const whole = pool.alloc(Uint8Array, real);
    Object.defineProperties(whole, claim);
    assertEquals(pool.usableSize(whole), real);
    const longer = pool.resize(whole, 2 * real);
    assertEquals(longer.length, 2 * real);
    Object.defineProperties(longer, claim);
    pool.free(longer);
    await assertAllocated(pool, 0);
  }
});

test("a part of an array and a foreign array stay what they are, whatever they say", async () => {
  using pool = Pool.create({ size: "8MiB" });
  const whole = pool.alloc(Uint8Array, real);
  const { buffer } = whole;
  for (
    const array of [
      Object.defineProperties(whole.subarray(8), {
        byteOffset: { value: 0 },
        byteLength: { value: real },
      }),
      Object.defineProperties(new Uint8Array(real), { buffer: { value: buffer } }),
      new Liar(buffer, 8),
    ]
  ) {
    for (const wrong of [() => pool.free(array), () => pool.resize(array, 1)]) {
      assertThrows(wrong, TypeError);
    }
    assertThrows(() => pool.usableSize(array), TypeError);
  }
  assertEquals(whole.length, real);
  pool.free(whole);
  await assertAllocated(pool, 0);
});

test("a buffer that says that it is detached, or cannot be, is detached all the same", async () => {
  using pool = Pool.create({ size: "8MiB" });
  for (
    const claim of [
      { detached: { value: true } },
      { transfer: { value: () => undefined } },
      { byteLength: { value: 1 << 20 } },
    ]
  ) {
    const array = pool.alloc(Uint8Array, 100_000);
    Object.defineProperties(array.buffer, claim);
    const longer = pool.resize(array, 200_000);
    assertEquals(array.length, 0);
    Object.defineProperties(longer.buffer, claim);
    pool.free(longer);
    assertEquals(longer.length, 0);
    await assertAllocated(pool, 0);
  }
});

test("pool.resize() refuses an array whose constructor is no class of arrays", () => {
  using pool = Pool.create({ size: "8MiB" });
  const array = pool.alloc(Uint8Array, real);
  for (const wrong of [undefined, Object, function () {}, Array]) {
    Object.defineProperty(array, "constructor", { value: wrong, configurable: true });
    assertThrows(() => pool.resize(array, 10), TypeError, "Cannot resize an array");
  }
  assertEquals([array.length, pool.stats().allocated], [real, real]);
});

test("pool.freeMany() frees as many pointers as the array has, whatever it says", () => {
  using pool = Pool.create({ size: "8MiB" });
  for (const claim of claims) {
    const pointers = new Float64Array(64) as Float64Array<ArrayBuffer> & Pointer[];
    const blocks = pool.mallocMany(32, 4);
    pointers.set(blocks);
    const mine = pointers.subarray(0, 2);
    pool.freeMany(Object.defineProperties(mine, claim) as never);
    assertEquals([...blocks].map((each) => pool.owns(each)), [false, false, true, true]);
    pool.reset();
  }
  const bytes = Object.setPrototypeOf(new Uint8Array(8), Float64Array.prototype);
  assertThrows(() => pool.freeMany(bytes), TypeError, "must be a Float64Array");
});

test("a scope knows its arrays by their memory, whatever they say", async () => {
  using pool = Pool.create({ size: "8MiB" });
  for (const claim of claims) {
    using scope = pool.scope();
    const [freed, kept, left] = [1, 2, 3].map(() => scope.alloc(Uint8Array, real));
    for (const array of [freed, kept, left]) Object.defineProperties(array!, claim);
    scope.free(freed!);
    scope.keep(kept!);
    scope.close();
    await assertAllocated(pool, real);
    pool.free(kept!);
    await assertAllocated(pool, 0);
  }
});
