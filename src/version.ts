/**
 * The version of the native library's API.
 *
 * @module
 */
import { remember } from "./errors.ts";
import * as native from "./native.ts";
import { readText, show } from "./text.ts";

/**
 * Asks whether the native library serves a program that was written for API version `major`.`minor` of libvmem. Newer
 * minor versions serve older ones.
 *
 * @param major The major version that is needed, a whole number from 0.
 * @param minor The minor version that is needed at least.
 * @returns Nothing if it does, otherwise the reason.
 * @throws TypeError or RangeError A version is not a whole number of 32 bits.
 * @throws LibraryError The native library cannot be loaded.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { checkVersion } from "@vmem/vmem";
 *
 * assertEquals(checkVersion(1, 1), undefined);
 * assertEquals(checkVersion(2, 0), "libvmem major version mismatch (need 2, found 1)");
 * ```
 */
export function checkVersion(major: number, minor: number): string | undefined {
  checkPart(major, "major");
  checkPart(minor, "minor");
  native.openNative();
  const reason = readText((out, capacity) => native.checkVersion(major, minor, out, capacity));
  if (reason === "") return undefined;
  remember(reason);
  return reason;
}

function checkPart(value: unknown, name: string): void {
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot check the version: the ${name} part is ${show(value)}, not a number`,
    );
  }
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new RangeError(
      `Cannot check the version: the ${name} part must be a whole number from 0 to 2^32 - 1, not ${
        show(value)
      }`,
    );
  }
}
