/** Values that are wrong, and the check that a call refuses them as it should. */
import { inspect } from "node:util";
import { assert, assertMatch, fail } from "@std/assert";
import { type Pointer, Pool, VmemError } from "../../mod.ts";

/** What an argument stands for. */
export type Kind =
  | "size"
  | "whole"
  | "pointer"
  | "place"
  | "block"
  | "array"
  | "type"
  | "align"
  | "bytes"
  | "list"
  | "length"
  | "optional length"
  | "maximum"
  | "byte or bytes"
  | "wanted"
  | "text"
  | "other pool";

/** What a call works on; made anew for each call. */
export interface World {
  readonly pool: Pool;
  readonly block: Pointer;
  readonly array: Uint8Array<ArrayBuffer>;
}

/** Nothing of this is a number. */
export const noNumbers: readonly unknown[] = [
  "10",
  "",
  "64 MiB",
  "abc",
  5n,
  null,
  true,
  {},
  [],
  [1],
  Symbol("s"),
  () => 1,
  new Date(0),
  { valueOf: () => 64 },
];
/** An object without keys is an empty set of options. */
const noOptions = noNumbers.filter((value) =>
  typeof value !== "object" || value === null || Array.isArray(value)
);
/** Nothing of this is a size, a length or a pointer. */
export const noWholeNumbers = [NaN, Infinity, -Infinity, -1, 1.5, -1.5, 2 ** 53, 1e300, -(2 ** 31)];

const noSizes = [...noNumbers, ...noWholeNumbers, "1MB", "-1MiB", "1.5B"];
/** Sizes that are none, or larger than any pool here. */
const noLengths = [...noSizes, "1GiB", 2 ** 31, 2 ** 32, 2 ** 53 - 1];

const detachedArray = new Uint8Array(8);
detachedArray.buffer.transfer(0);
const freedPool = Pool.create({ maxSize: "8MiB" });
const freedArray = freedPool.alloc(Uint8Array, 10);
freedPool.close();

/** Neither a byte nor at least one of them. */
const noSequences = [
  ...noWholeNumbers,
  256,
  2 ** 32,
  new Uint8Array(0),
  new DataView(new ArrayBuffer(8), 8),
  new ArrayBuffer(8),
  detachedArray,
  freedArray,
];

/** All values that are wrong for a kind of argument. */
export function wrongValues(kind: Kind, { pool, block, array }: World): unknown[] {
  const freed = pool.malloc(48);
  pool.free(freed);
  const blockless = [block + 1, block + 8, 8, 4096 * 3 + 8, 2 ** 31, 2 ** 32, 2 ** 45, freed];
  const noArrays = [
    array.subarray(1),
    array.subarray(0, 5),
    new Uint8Array(0),
    new Uint8Array(10),
    new Uint8Array(new SharedArrayBuffer(10)),
    array.buffer,
    new DataView(array.buffer),
    pool.view(Uint8Array, block, 10),
    new Uint8Array(pool.view(Uint8Array, block, 10).buffer),
    detachedArray,
    freedArray,
  ];
  switch (kind) {
    case "size":
      return [...noNumbers, ...noWholeNumbers, undefined, 0, -0, "0B", "-1MiB", "1.5B", "1MB"];
    case "whole":
      return [...noNumbers, ...noWholeNumbers, undefined, 0, -0];
    case "pointer":
      return [...noNumbers, ...noWholeNumbers, undefined, ...blockless];
    case "place":
      return [...noNumbers, ...noWholeNumbers, undefined, 8, 2 ** 31, 2 ** 32, 2 ** 45];
    case "block":
      return [...noNumbers, ...noWholeNumbers, undefined, ...blockless, ...noArrays];
    case "array":
      return [...noNumbers, ...noArrays, undefined, block, 0];
    case "type":
      return [...noNumbers, undefined, 1, DataView, ArrayBuffer, Object, Array];
    case "align":
      return [
        ...noOptions,
        8,
        ...[...noNumbers, ...noWholeNumbers, 0, 3, 2 ** 31].map(
          (align) => ({ align }),
        ),
        { alignment: 8 },
      ];
    case "bytes":
      return [...noNumbers, undefined, 1, new ArrayBuffer(8), detachedArray, freedArray];
    case "list":
      return [
        ...noNumbers.filter((value) => !Array.isArray(value) || value.length > 0),
        undefined,
        1,
        detachedArray,
        new Uint32Array(1),
        ...[...noNumbers, ...noWholeNumbers, ...blockless].map((value) => [value]),
        Float64Array.of(NaN),
        Float64Array.of(block + 1),
      ];
    case "length":
      return [...noLengths, undefined];
    case "optional length":
      return noLengths;
    case "maximum":
      return noSizes;
    case "byte or bytes":
      return [...noNumbers, ...noSequences, undefined];
    case "wanted":
      return [
        ...noNumbers.filter((value) => typeof value !== "string"),
        ...noSequences,
        undefined,
        "",
      ];
    case "text":
      return [
        ...noNumbers.filter((value) => typeof value !== "string"),
        undefined,
        1,
        "\0",
        "a\0",
        "0123456789\0".repeat(10),
      ];
    case "other pool":
      return [...noNumbers, 1, array, new Proxy({}, {}), freedPool];
  }
}

/** A value as it stands in the message of a failed test. */
export function show(value: unknown): string {
  return inspect(value, { breakLength: Infinity, maxArrayLength: 3 });
}

/** Calls, and checks that the exception is one of ours with a text in house style. */
export function refuses(call: () => unknown, what: string): void {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    assert(
      error instanceof TypeError || error instanceof RangeError || error instanceof VmemError,
      `${what} threw ${error}`,
    );
    assertMatch(error.message, /^Cannot [^\n]*[^.]$/, what);
    return;
  }
  fail(`${what} gave ${show(result)}`);
}
