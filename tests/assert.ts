/**
 * `@std/assert` with its types, for both runtimes.
 *
 * The code is the real one, from the npm package `deno-std`, which Bun and tsc find in node_modules where JSR's
 * packages are not to be had; but it ships without types, and untyped assertions check nothing at compile time.
 * Only what the tests use is declared here.
 */
// @ts-ignore the npm build has no types; Deno and tsc disagree whether that is an error
import * as std from "deno-std/assert/mod.js";

type ErrorClass<E extends Error> = abstract new (...values: never[]) => E;

export const assert: (expr: unknown, message?: string) => asserts expr = std.assert;
export const assertEquals: <T>(actual: T, expected: T, message?: string) => void = std.assertEquals;
export const assertNotEquals: <T>(actual: T, expected: T, message?: string) => void =
  std.assertNotEquals;
export const assertStrictEquals: <T>(
  actual: unknown,
  expected: T,
  message?: string,
) => asserts actual is T = std.assertStrictEquals;
export const assertNotStrictEquals: <T>(actual: T, expected: T, message?: string) => void =
  std.assertNotStrictEquals;
export const assertExists: <T>(
  actual: T,
  message?: string,
) => asserts actual is NonNullable<T> = std.assertExists;
export const assertInstanceOf: <T>(
  actual: unknown,
  type: abstract new (...values: never[]) => T,
  message?: string,
) => asserts actual is T = std.assertInstanceOf;
export const assertMatch: (actual: string, expected: RegExp, message?: string) => void =
  std.assertMatch;
export const assertStringIncludes: (actual: string, expected: string, message?: string) => void =
  std.assertStringIncludes;
export const assertArrayIncludes: <T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  message?: string,
) => void = std.assertArrayIncludes;
export const assertGreater: <T>(actual: T, expected: T, message?: string) => void =
  std.assertGreater;
export const assertGreaterOrEqual: <T>(actual: T, expected: T, message?: string) => void =
  std.assertGreaterOrEqual;
export const assertLess: <T>(actual: T, expected: T, message?: string) => void = std.assertLess;
export const assertLessOrEqual: <T>(actual: T, expected: T, message?: string) => void =
  std.assertLessOrEqual;
export const assertAlmostEquals: (
  actual: number,
  expected: number,
  tolerance?: number,
  message?: string,
) => void = std.assertAlmostEquals;
export const assertThrows: <E extends Error = Error>(
  run: () => unknown,
  type?: ErrorClass<E>,
  includes?: string,
  message?: string,
) => E = std.assertThrows;
export const assertRejects: <E extends Error = Error>(
  run: () => PromiseLike<unknown>,
  type?: ErrorClass<E>,
  includes?: string,
  message?: string,
) => Promise<E> = std.assertRejects;
export const fail: (message?: string) => never = std.fail;
