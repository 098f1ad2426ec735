/**
 * Addresses in memory and what they point to. A pointer field has 8 bytes, an absolute address that C can follow. Pools begin
 * at a multiple of 4 GiB, so its low word is the low word of the offset in the pool, and its high word tells a pool's
 * pointers from others.
 *
 * @module
 */
import type { Pointer } from "../pointer.ts";
import { show } from "../text.ts";
import type { Slot } from "./layout.ts";
import { cannotSet } from "./scalars.ts";
import { beyond, type Placed, span, type Window } from "./window.ts";

/** A struct's class, for those who make views. */
export interface ViewClass {
  readonly size: number;
  readonly name: string;
  /** With a window, `offset` is one in it, and nothing is checked. */
  new (pool: undefined, offset: number, window: Window): Placed;
}

/** A view of what the address at a place points to; null for address 0. */
export function follow(
  window: Window,
  at: number,
  target: ViewClass,
  size: number,
  slot: Slot,
): Placed | null {
  const low = window.getInt32(at, true);
  const high = window.getInt32(at + 4, true);
  if (high === window.high) {
    const offset = low - window.word | 0;
    if ((offset & beyond) === 0 && offset <= window.limit - size) {
      return new target(undefined, offset, window);
    }
  }
  return (low | high) === 0 ? null : followFar(window, low, high, target, slot);
}

/** Does what `follow` does when that does not find it close by. */
export function followFar(
  window: Window,
  low: number,
  high: number,
  target: ViewClass,
  slot: Slot,
): Placed {
  const pointer = pointerOf(window, low, high, slot);
  const there = window.space.aim(pointer, target.size, `Cannot follow "${slot.name}"`);
  return new target(undefined, pointer - there.start, there);
}

/** Points to the struct of a view; 0 for null. */
export function pointTo(
  window: Window,
  at: number,
  view: Placed | null,
  target: ViewClass,
  slot: Slot,
): void {
  if (view === null) {
    window.setInt32(at, 0, true);
    window.setInt32(at + 4, 0, true);
    return;
  }
  if (!(view instanceof target)) {
    throw new TypeError(
      `${cannotSet(slot)}: it points to ${nameOf(target)}, not to ${show(view)}`,
    );
  }
  const there = view.$$window;
  const offset = view.$$offset;
  if (there === window && offset >= 0 && offset < span) {
    window.setInt32(at, window.word + offset, true);
    window.setInt32(at + 4, window.high, true);
  } else pointFar(window, at, view, slot);
}

function pointFar(window: Window, at: number, view: Placed, slot: Slot): void {
  if (view.$$window.space !== window.space) {
    throw new TypeError(`${cannotSet(slot)}: the struct is in another pool`);
  }
  writePointer(window, at, pointerTo(view, cannotSet(slot)), slot);
}

/** The pointer to what a view is of. RangeError: it was freed. */
export function pointerTo(view: Placed, action: string): Pointer {
  const offset = view.$$offset;
  if (offset < 0) throw new RangeError(`${action}: the struct was freed`);
  return view.$$window.start + offset as Pointer;
}

/** The pointer that stands at a place; 0 is null. RangeError: it is no address in this pool. */
export function readPointer(window: Window, at: number, slot: Slot): Pointer {
  const low = window.getInt32(at, true);
  const high = window.getInt32(at + 4, true);
  return (low | high) === 0 ? 0 as Pointer : pointerOf(window, low, high, slot);
}

/** Sets a pointer. TypeError or RangeError: it is not one of this pool. */
export function writePointer(window: Window, at: number, pointer: number, slot: Slot): void {
  const { space } = window;
  if ((pointer | 0) === pointer && pointer >= space.low && pointer < space.size) {
    window.setInt32(at, pointer, true);
    window.setInt32(at + 4, space.high, true);
    return;
  }
  if (pointer !== 0) checkPointer(window, pointer, slot);
  window.setInt32(at, pointer, true);
  window.setInt32(at + 4, pointer === 0 ? 0 : space.highOf(pointer), true);
}

function checkPointer({ space }: Window, pointer: unknown, slot: Slot): void {
  if (typeof pointer !== "number") {
    throw new TypeError(`${cannotSet(slot)}: a pointer is a number, not ${show(pointer)}`);
  }
  if (!Number.isSafeInteger(pointer) || pointer < space.low || pointer >= space.size) {
    throw new RangeError(`${cannotSet(slot)}: ${show(pointer)} is not a pointer of this pool`);
  }
}

function pointerOf(window: Window, low: number, high: number, slot: Slot): Pointer {
  const pointer = window.space.offsetOf(low, high);
  if (pointer !== undefined) return pointer;
  const address = (BigInt(high >>> 0) << 32n) + BigInt(low >>> 0);
  throw new RangeError(
    `Cannot follow "${slot.name}": the address 0x${address.toString(16)} is not in this pool`,
  );
}

function nameOf({ name }: ViewClass): string {
  return name === "" ? "a struct" : name;
}
