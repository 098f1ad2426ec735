/**
 * Sizes: numbers of bytes, or text with a unit.
 *
 * @module
 */
import { show } from "./text.ts";

/**
 * Bytes, as a whole number or as text with a binary unit.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Pool, type Size } from "@vmem/vmem";
 *
 * const size: Size = "1.5MiB";
 * using pool = Pool.create({ size });
 * assertEquals(pool.stats().mapped, 1.5 * 2 ** 20);
 * ```
 */
export type Size = number | `${number}${"B" | "KiB" | "MiB" | "GiB" | "TiB"}`;

const factors: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/**
 * The bytes that a value stands for.
 *
 * @param value What the caller gave.
 * @param action What fails if it is no size, for example "Cannot allocate memory".
 * @param minimum The smallest size that is allowed.
 */
export function parseSize(value: unknown, action: string, minimum = 1): number {
  const bytes = typeof value === "string" ? parseText(value, action) : value;
  if (typeof bytes !== "number") {
    throw new TypeError(`${action}: the size must be a number of bytes, not ${show(value)}`);
  }
  if (!Number.isInteger(bytes)) {
    throw new RangeError(`${action}: the size must be a whole number of bytes, not ${show(value)}`);
  }
  if (bytes < minimum || bytes > Number.MAX_SAFE_INTEGER) {
    throw new RangeError(
      `${action}: the size must be ${minimum} to 2^53 - 1 bytes, not ${show(value)}`,
    );
  }
  return bytes;
}

function parseText(text: string, action: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB|TiB)$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined) {
    throw new RangeError(`${action}: the size must look like "64MiB", not ${show(text)}`);
  }
  return Number(digits) * (factors[unit] ?? NaN);
}
