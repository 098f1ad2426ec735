/**
 * The number types in memory: which values they take, and codecs for those that are more than one access.
 *
 * A wrong value throws before anything is written. The checks are those that leave the value's type known to the
 * compiler: they cost nothing beside the store.
 *
 * @module
 */
import { show } from "../text.ts";
import type { Slot } from "./layout.ts";
import type { Window } from "./window.ts";

const word = 2 ** 32;
const sizeHighMax = 2 ** 21 - 1;
const f16Max = 65520;
const f32Max = 2 ** 128 - 2 ** 103;
const u64Max = 2n ** 64n - 1n;
const i64Max = 2n ** 63n - 1n;

export function checkU8(value: number, slot: Slot): void {
  if ((value & 0xff) !== value) refuseInteger(value, slot, "0", "255");
}

export function checkI8(value: number, slot: Slot): void {
  if (value << 24 >> 24 !== value) refuseInteger(value, slot, "-128", "127");
}

export function checkU16(value: number, slot: Slot): void {
  if ((value & 0xffff) !== value) refuseInteger(value, slot, "0", "65535");
}

export function checkI16(value: number, slot: Slot): void {
  if (value << 16 >> 16 !== value) refuseInteger(value, slot, "-32768", "32767");
}

export function checkU32(value: number, slot: Slot): void {
  if (value >>> 0 !== value) refuseInteger(value, slot, "0", "2^32 - 1");
}

export function checkI32(value: number, slot: Slot): void {
  if ((value | 0) !== value) refuseInteger(value, slot, "-2^31", "2^31 - 1");
}

export function checkF16(value: number, slot: Slot): void {
  if (typeof value !== "number") refuseNumber(value, slot);
  if (Math.abs(value) >= f16Max) checkFinite(value, slot);
}

export function checkF32(value: number, slot: Slot): void {
  if (typeof value !== "number") refuseNumber(value, slot);
  if (Math.abs(value) >= f32Max) checkFinite(value, slot);
}

export function checkF64(value: number, slot: Slot): void {
  if (typeof value !== "number") refuseNumber(value, slot);
}

export function checkU64(value: bigint, slot: Slot): void {
  if (typeof value !== "bigint" || BigInt.asUintN(64, value) !== value) {
    refuseBigint(value, slot, 0n, u64Max);
  }
}

export function checkI64(value: bigint, slot: Slot): void {
  if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value) {
    refuseBigint(value, slot, -1n - i64Max, i64Max);
  }
}

export function checkBool(value: boolean, slot: Slot): void {
  if (typeof value !== "boolean") {
    throw new TypeError(`${cannotSet(slot)}: a bool is true or false, not ${show(value)}`);
  }
}

export function readSize(window: Window, at: number, slot: Slot): number {
  const low = window.getUint32(at, true);
  const high = window.getInt32(at + 4, true);
  if (high === 0) return low;
  if (high >>> 0 > sizeHighMax) refuseSize(window.getBigUint64(at, true), slot);
  return high * word + low;
}

export function writeSize(window: Window, at: number, value: number, slot: Slot): void {
  if (value >>> 0 === value) {
    window.setUint32(at, value, true);
    window.setInt32(at + 4, 0, true);
    return;
  }
  if (!Number.isSafeInteger(value) || value < 0) refuseInteger(value, slot, "0", "2^53 - 1");
  window.setUint32(at, value >>> 0, true);
  window.setInt32(at + 4, value / word | 0, true);
}

/** How the message about a wrong value begins. */
export function cannotSet(slot: Slot): string {
  return `Cannot set "${slot.name}"`;
}

function typeOf({ type }: Slot): string {
  const inner = type.kind === "array" ? type.of : type;
  return inner.kind === "scalar" ? inner.scalar : inner.kind;
}

export function refuseNumber(value: unknown, slot: Slot): never {
  throw new TypeError(`${cannotSet(slot)}: ${typeOf(slot)} takes a number, not ${show(value)}`);
}

export function refuseInteger(value: unknown, slot: Slot, from: string, to: string): never {
  if (typeof value !== "number") refuseNumber(value, slot);
  throw new RangeError(
    `${cannotSet(slot)}: ${typeOf(slot)} takes whole numbers from ${from} to ${to}, ` +
      `not ${show(value)}`,
  );
}

export function refuseBigint(value: unknown, slot: Slot, from: bigint, to: bigint): never {
  if (typeof value !== "bigint") {
    throw new TypeError(
      `${cannotSet(slot)}: ${typeOf(slot)} takes a bigint like 7n, not ${show(value)}`,
    );
  }
  throw new RangeError(
    `${cannotSet(slot)}: ${typeOf(slot)} takes bigints from ${from} to ${to}, not ${show(value)}`,
  );
}

/** What is not infinite would become so by rounding. */
function checkFinite(value: number, slot: Slot): void {
  if (!Number.isFinite(value)) return;
  throw new RangeError(`${cannotSet(slot)}: ${show(value)} is too large for ${typeOf(slot)}`);
}

export function refuseSize(value: bigint, slot: Slot): never {
  throw new RangeError(
    `Cannot get "${slot.name}": it has ${value}, and a size is at most 2^53 - 1; ` +
      "declare the field as u64",
  );
}
