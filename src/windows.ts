/**
 * Windows: buffers over parts of a pool that views are made on.
 *
 * Engines count a buffer's bytes as memory that a collection could free, whether they are used or not: V8 begins to
 * collect all the time when the sum comes near its heap limit (6 to 8 GiB with the default limit; 75 full
 * collections instead of 7 in the same program), JavaScriptCore lets garbage grow along with the sum. And Bun's
 * buffers end at 4 GiB. So windows are made where views are asked for: the first one grows with the offsets up to 1 GiB,
 * those behind it have 64 MiB, and only a few are kept; a window that is dropped lives as long as a view of it. With 1
 * GiB each, views all over 64 GiB took ten times as long.
 *
 * @module
 */
import { detach } from "./array.ts";
import * as native from "./native.ts";
import { currentRuntime } from "./runtime.ts";

/** The window from offset 0 on grows up to this; larger ones are made for one view only. */
export const firstMax: number = 2 ** 30;
/** So little that thousands of pools with a window each stay far from that limit: at 16 MiB the 500th met it. */
const firstMin = 2 ** 20;
/** Bytes from one window's start to the next one's beyond the first. */
const farSpan = 2 ** 26;
/** Windows overlap by this, so that what begins in one and is not longer is in it whole. */
const overlap = 2 ** 20;
/** Windows beyond the first that are kept while no view needs them. */
const keptMax = 16;

/** The windows of one pool in this isolate. */
export class Windows {
  /** The window from offset 0 on. */
  first: ArrayBuffer = new ArrayBuffer(0);
  /** Where the window starts that `cover` gave last. */
  start = 0;
  /** Of the pool, as long as windows of it may be made. */
  handle: number;
  readonly #begin: number;
  readonly #size: number;
  /** By their start; the last that were made are also in `#kept`. */
  readonly #far = new Map<number, WeakRef<ArrayBuffer>>();
  readonly #kept: ArrayBuffer[] = [];
  /** All that were ever made and may still be alive. */
  readonly #all = new Set<WeakRef<ArrayBuffer>>();
  readonly #known = new WeakSet<ArrayBuffer>();
  #pruneAt = 64;

  /**
   * @param handle The pool.
   * @param begin Where its memory begins; only at 0 is there a window that grows.
   * @param size Where it ends.
   */
  constructor(handle: number, begin: number, size: number) {
    this.handle = handle;
    this.#begin = begin;
    this.#size = size;
  }

  /** Whether the buffer is one of these windows. */
  has(buffer: ArrayBuffer): boolean {
    return this.#known.has(buffer);
  }

  /**
   * A window that covers a span of the pool, and its start in `start`. A number is the native side's `-errno`; undefined: no
   * buffer of this runtime is that large.
   */
  cover(offset: number, length: number): ArrayBuffer | number | undefined {
    if (this.#begin === 0 && offset + length <= firstMax + overlap) {
      return this.#coverFirst(offset + length);
    }
    const span = Math.floor(offset / farSpan) * farSpan;
    this.start = Math.max(span, this.#begin);
    if (offset + length <= span + farSpan + overlap) {
      return this.#coverFar(this.start, span + farSpan + overlap);
    }
    if (length > currentRuntime().bufferMax) return undefined;
    this.start = offset;
    return this.make(offset, length);
  }

  /** Every view of every window has length 0 afterwards. */
  detachAll(): void {
    for (const reference of this.#all) {
      const buffer = reference.deref();
      if (buffer !== undefined) detach(buffer);
    }
    this.first = new ArrayBuffer(0);
    this.#all.clear();
    this.#far.clear();
    this.#kept.length = 0;
  }

  #coverFirst(end: number): ArrayBuffer | number {
    this.start = 0;
    if (this.first.byteLength >= end) return this.first;
    const wanted = Math.max(firstMin, 2 ** Math.ceil(Math.log2(end)));
    const made = this.make(0, Math.min(wanted, firstMax + overlap, this.#size));
    if (typeof made !== "number") this.first = made;
    return made;
  }

  #coverFar(start: number, end: number): ArrayBuffer | number {
    const known = this.#far.get(start)?.deref();
    if (known !== undefined && !known.detached) return known;
    const made = this.make(start, Math.min(end, this.#size) - start);
    if (typeof made === "number") return made;
    this.#far.set(start, new WeakRef(made));
    this.#kept.push(made);
    if (this.#kept.length > keptMax) this.#kept.shift();
    return made;
  }

  /** A window over a span of the pool. A number is the native side's `-errno`. */
  make(offset: number, length: number): ArrayBuffer | number {
    const made = native.buffers.window(this.handle, offset, length);
    if (typeof made === "number") return made;
    this.#known.add(made);
    this.#all.add(new WeakRef(made));
    if (this.#all.size >= this.#pruneAt) this.#prune();
    return made;
  }

  #prune(): void {
    for (const reference of this.#all) {
      if (reference.deref() === undefined) this.#all.delete(reference);
    }
    this.#pruneAt = Math.max(64, this.#all.size * 2);
  }
}
