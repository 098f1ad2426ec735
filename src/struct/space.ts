/**
 * What the structs of a pool lie in: picks the window for a pointer.
 *
 * Engines are quick with offsets below 2^31, so the pool is cut into windows of 1 GiB. The first one, shared with the pool's other
 * views, covers all of it at once, or, in Bun and beyond the budget, grows with the pointers that are used; those behind it are made when a pointer there is used, as long as
 * the sum of all in this isolate stays in a budget, because engines count every byte of them as their own heap. Beyond
 * it a window is a few numbers, and every access a native call. Windows overlap by 1 MiB, the size of the largest struct.
 *
 * @module
 */
import type { Memory } from "../memory.ts";
import * as native from "../native.ts";
import type { Pointer } from "../pointer.ts";
import { currentRuntime } from "../runtime.ts";
import { show } from "../text.ts";
import { Checks } from "./checked.ts";
import { sizeMax } from "./declare.ts";
import { NativeWindow } from "./native_window.ts";
import { BufferWindow, span, type Window } from "./window.ts";

const word = 2 ** 32;

/** Bytes of the windows beyond the first ones in this isolate. */
let farBytes = 0;

function isMoved(window: Window): boolean {
  return window instanceof BufferWindow && window.buffer.detached;
}

/** The windows of one pool in this isolate. */
export class Space {
  readonly memory: Memory;
  /** Bytes of the pool. */
  readonly size: number;
  /** The first byte that a struct may have. */
  readonly low: number;
  /** The window that was picked last; a constructor looks here first. */
  window: Window;
  /** The high word of the pool's address. */
  readonly high: number;
  /** The field functions of each struct, by what is known of it. */
  readonly functions: Map<object, unknown> = new Map();
  readonly #base: number;
  readonly #none: Window;
  #first: BufferWindow | undefined;
  readonly #far = new Map<number, Window>();
  #farBytes = 0;
  #checks: Checks | undefined;

  /** @param memory The pool in this isolate. */
  constructor(memory: Memory) {
    this.memory = memory;
    this.size = memory.size;
    this.low = memory.first;
    this.#base = native.base(memory.handle);
    this.high = this.highOf(0);
    this.#none = new NativeWindow(this, 0, -1);
    this.window = this.#none;
  }

  /** From now on views are checked at every access. */
  check(): void {
    this.#checks = new Checks(this.memory);
  }

  /** A struct was made or freed at a pointer. */
  renew(pointer: number): void {
    this.#checks?.renew(pointer);
  }

  /** The high word of the address of a place in the pool. */
  highOf(offset: number): number {
    return Math.floor((this.#base + offset) / word) | 0;
  }

  /**
   * The window of a pointer.
   *
   * @param pointer Any value.
   * @param size Bytes that must lie in the pool.
   * @param action What fails otherwise.
   * @throws TypeError, RangeError or VmemError (EBADF).
   */
  aim(pointer: number, size: number, action: string): Window {
    const window = this.find(pointer, size, action);
    if (this.#checks !== undefined) return this.#checks.guard(window, pointer, action);
    this.window = window;
    return window;
  }

  /** As `aim`, for what is no struct: constructors go on to look where they did. */
  find(pointer: number, size: number, action: string): Window {
    this.#check(pointer, size, action);
    const start = pointer - pointer % span;
    if (!native.mayMakeBuffers) return this.#aimNative(start);
    if (this.memory.begin !== 0) return this.#aimRegion(start, pointer, size, action);
    return start === 0 ? this.#aimFirst(pointer + size, action) : this.#aimFar(start, action);
  }

  /** The pool's offset of an address in two signed words; undefined if it is not in the pool. */
  offsetOf(low: number, high: number): Pointer | undefined {
    const offset = (high >>> 0) * word + (low >>> 0) - this.#base;
    return offset >= this.low && offset < this.size ? offset as Pointer : undefined;
  }

  /**
   * The first window, for code that may use nothing else: it covers all that it ever will, or may grow at no cost.
   * Undefined if there is none, or every access is checked.
   */
  near(): BufferWindow | undefined {
    if (this.#checks !== undefined || this.memory.begin !== 0) return undefined;
    if (!native.mayMakeBuffers) return undefined;
    const end = Math.min(this.size, span + sizeMax);
    const window = this.#aimFirst(this.low, "Cannot reach a struct");
    const ends = currentRuntime().leavesBoundsFreely || window.limit >= end;
    return ends && window === this.#first ? this.#first : undefined;
  }

  /**
   * Drops windows whose buffer was transferred (a user of `pool.view` can do that in Deno), so that the next use makes new ones.
   */
  dropMoved(): void {
    if (isMoved(this.window) || this.#first !== undefined && isMoved(this.#first)) this.detach();
  }

  /** Nothing can be reached any more. */
  detach(): void {
    this.window = this.#none;
    this.#first = undefined;
    this.#far.clear();
    farBytes -= this.#farBytes;
    this.#farBytes = 0;
  }

  #check(pointer: unknown, size: number, action: string): void {
    if (typeof pointer !== "number") {
      throw new TypeError(`${action}: a pointer is a number, not ${show(pointer)}`);
    }
    if (pointer === 0) throw new TypeError(`${action}: the pointer is null`);
    if (!Number.isSafeInteger(pointer) || pointer < this.low || pointer > this.size - size) {
      this.memory.number(native.size(this.memory.handle), action);
      throw new RangeError(
        `${action}: ${size} bytes at ${show(pointer)} do not lie in the pool, ` +
          `which ends at ${this.size}`,
      );
    }
  }

  #aimFirst(end: number, action: string): Window {
    const { windows } = this.memory;
    const buffer = windows.cover(0, Math.min(this.#extend(end), span + sizeMax));
    if (typeof buffer === "number") this.memory.refuse(buffer, action);
    if (buffer === undefined) return new NativeWindow(this, 0, span + sizeMax);
    if (this.#first?.buffer !== buffer) this.#first = new BufferWindow(this, buffer, 0);
    return this.#first;
  }

  /**
   * The end of the first window: all of the pool if the budget allows it. Code of V8 that left a window once stays slow, 8.4 ns a field
   * instead of 1.1, so it should not need to grow.
   */
  #extend(end: number): number {
    const all = Math.min(this.size, span + sizeMax);
    if (this.#first !== undefined && this.#first.limit >= end) return end;
    if (farBytes + all > currentRuntime().farBytesMax) return end;
    farBytes += all;
    this.#farBytes += all;
    return all;
  }

  /**
   * In a region the first window begins where the memory does and ends where the next one begins: windows that cross a multiple of
   * 4 GiB must be cut at `span`. What lies across gets a window of its own.
   */
  #aimRegion(start: number, pointer: number, size: number, action: string): Window {
    const { begin } = this.memory;
    if (start >= begin) return this.#aimFar(start, action);
    if (pointer + size > start + span) return new NativeWindow(this, pointer, -1);
    const known = this.#far.get(begin);
    if (known !== undefined && !isMoved(known)) return known;
    return this.#addFar(begin, Math.min(start + span, this.size) - begin, action, true);
  }

  #aimNative(start: number): Window {
    const known = this.#far.get(start);
    if (known !== undefined) return known;
    const made = new NativeWindow(this, start, Math.min(span + sizeMax, this.size - start));
    this.#far.set(start, made);
    return made;
  }

  #aimFar(start: number, action: string): Window {
    const known = this.#far.get(start);
    // Somebody else may have closed the pool; a native window asks for itself.
    if (known !== undefined && !isMoved(known)) return known;
    return this.#addFar(start, Math.min(span + sizeMax, this.size - start), action, false);
  }

  #addFar(start: number, length: number, action: string, first: boolean): Window {
    const window = this.#makeFar(start, length, action, first);
    this.#far.set(start, window);
    return window;
  }

  /** `first`: a pool's first window is made whatever the budget. */
  #makeFar(start: number, length: number, action: string, first: boolean): Window {
    if (!first && farBytes + length > currentRuntime().farBytesMax) {
      return new NativeWindow(this, start, length);
    }
    const buffer = this.memory.windows.make(start, length);
    if (typeof buffer === "number") this.memory.refuse(buffer, action);
    farBytes += length;
    this.#farBytes += length;
    return new BufferWindow(this, buffer, start);
  }
}
