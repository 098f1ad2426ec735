/** A program of a user who has nothing but the package: no types of a runtime, and the strictest compiler. */
import { fields, OutOfMemoryError, type Pointer, pointer, Pool, string, struct, VmemError } from "vmem";
import { vmmallocEnv, type VmmallocOptions } from "vmem/vmmalloc";

function must(truth: boolean, what: string): void {
  if (!truth) throw new Error(what);
}

const Item = struct({ key: "u32", value: "f64", name: string(), next: pointer(() => Item) });

export function tour(): void {
  using pool = Pool.create({ maxSize: "64MiB" });

  const at: Pointer = pool.malloc(64);
  pool.view(Uint32Array, at, 16).fill(7);
  must(pool.view(Uint32Array, at, 2)[1] === 7, "a view");
  pool.free(at);

  const numbers: Float64Array<ArrayBuffer> = pool.alloc(Float64Array, 1000);
  numbers[999] = 0.5;
  const more = pool.resize(numbers, 2000);
  must(more[999] === 0.5, "a resized array");
  pool.free(more);
  must(more.length === 0, "a freed array");

  const head = pool.make(Item, { key: 7, value: 0.5, name: "seven" });
  head.next = pool.make(Item, { key: 8, value: 1.5, name: "eight" });
  const next = head.next;
  must(next?.name === "eight" && fields(Item, pool).value(next.$pointer) === 1.5, "a struct");

  const { price } = pool.columns({ id: "u32", price: "f32" }, 100);
  const prices: Float32Array<ArrayBuffer> = price;
  must(prices.length === 100, "columns");

  try {
    pool.alloc(Uint8Array, 2 ** 30);
    must(false, "a full pool");
  } catch (error) {
    if (!(error instanceof OutOfMemoryError)) throw error;
    const base: VmemError = error;
    must(base.code === "ENOMEM" && error.available > 0, "the error of a full pool");
  }
}

const options: VmmallocOptions = { dir: "/tmp", size: "64MiB", logFile: "statistics", logStats: true };
export const environment: Record<string, string> = vmmallocEnv(options);

export function wrong(pool: Pool): void {
  // @ts-expect-error A size is no boolean.
  Pool.create({ maxSize: true });
  // @ts-expect-error A number is not a pointer.
  pool.free(64);
  // @ts-expect-error There is no such field.
  pool.make(Item, { size: 1 });
}
