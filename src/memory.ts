/**
 * What the modules of this package know of a pool and its users do not see: handle, windows and arrays in this isolate,
 * and how what the native side refuses becomes an error. One `Memory` stands behind each `Pool`; modules that are given a
 * pool take it by {@linkcode memoryOf}.
 *
 * @module
 */
import { Arrays } from "./array.ts";
import { unwatch } from "./collected.ts";
import * as native from "./native.ts";
import { EBADF, refuse } from "./refuse.ts";
import { Space } from "./struct/space.ts";
import type { Trace } from "./trace.ts";
import { type TextBytes, textBytes } from "./utf8.ts";
import { Windows } from "./windows.ts";

/** The first page of a pool is never handed out. */
const firstPage = 4096;

const noText = textBytes(new ArrayBuffer(0));

/** A number that is never the handle of a pool: every native function answers it with EBADF. */
export const closedHandle = 65536;

/** One pool in this isolate, and one attachment of its thread. */
export class Memory {
  /** `closedHandle` after `end`. */
  handle: number;
  /** Bytes of the pool: no pointer is beyond. */
  readonly size: number;
  /** Where its memory begins, 0 but for a region; before it nothing may be reached. */
  readonly begin: number;
  /** The first byte that may be handed out. */
  readonly first: number;
  readonly arrays: Arrays = new Arrays();
  readonly windows: Windows;
  /** The window that was used last, where in the pool it starts, and its bytes that may be viewed, from `low` to `reach`. */
  window: ArrayBuffer = new ArrayBuffer(0);
  start = 0;
  low = 0;
  reach = 0;
  /** The same of the window that text was last read from or written to. */
  text: TextBytes = noText;
  textStart = 0;
  textLow = 0;

  /** What the structs lie in. */
  readonly space: Space;
  /** Where blocks were allocated, if that is wanted. */
  trace: Trace | undefined = undefined;

  /** @param handle An open pool that this thread has created or attached. */
  constructor(handle: number) {
    this.handle = handle;
    this.size = native.size(handle);
    this.begin = native.start(handle);
    this.first = this.begin + firstPage;
    this.windows = new Windows(handle, this.begin, this.size);
    this.space = new Space(this);
  }

  /**
   * A native result that is no error. As a small integer if it is one: JavaScriptCore takes what a native function gives for a
   * double, and reckons on with doubles wherever a pointer goes.
   */
  number(result: number, action: string, pointer?: unknown): number {
    const small = result | 0;
    if (small === result && small >= 0) return small;
    return result >= 0 ? result : this.refuse(result, action, pointer);
  }

  /** Throws what a status below 0 means; see `refuse` in refuse.ts. */
  refuse(status: number, action: string, pointer?: unknown): never {
    // Somebody else may have closed the pool: its arrays and windows here are over nothing now.
    if (status === -EBADF) this.end(false);
    refuse(this.handle, status, action, pointer);
  }

  /** The first byte of the window from `start` on that may be viewed. */
  lowOf(start: number): number {
    return Math.max(0, this.first - start);
  }

  /** Throws unless the bytes lie in the pool and the pointer is not null; null and no bytes are right. */
  checkSpan(action: string, pointer: number, length: number): void {
    const size = this.number(native.size(this.handle), action);
    if (pointer !== 0 && pointer < this.first || pointer > size || length > size - pointer) {
      throw new RangeError(
        `${action}: ${length} bytes at ${pointer} do not lie in the pool, which ` +
          `${this.begin === 0 ? "" : `begins at ${this.begin} and `}ends at ${size}`,
      );
    }
    if (pointer === 0 && length > 0) throw new RangeError(`${action}: the pointer is null`);
  }

  /** Takes the memory away from every view and array of this isolate. */
  detach(): void {
    this.reach = 0;
    this.space.detach();
    this.windows.detachAll();
    this.arrays.detachAll();
  }

  /** Ends this attachment, and the pool itself if it `closes` it; a number below 0 says that it was closed already. */
  end(closes: boolean): number {
    this.detach();
    unwatch(this);
    const { handle } = this;
    this.handle = closedHandle;
    this.windows.handle = closedHandle;
    if (closes) {
      const status = native.close(handle); // which ends the attachment, too
      if (status === 0) return 0;
      native.detach(handle);
      return status;
    }
    native.detach(handle);
    return 0;
  }
}

/**
 * A pool, as the modules of this package see it. The property has a name that no type of the package shows; where it has a
 * symbol instead, V8 does not inline the constructors of views, which begin with it.
 */
export interface Inside {
  readonly $$memory?: Memory;
}

/** Puts the memory behind a new pool, in a property that does not show. */
export function setMemory(pool: object, memory: Memory): void {
  Object.defineProperty(pool, "$$memory", { value: memory });
}

/** The memory behind a pool; undefined for anything else. TypeError: another copy of the package made it. */
export function memoryOf(pool: unknown, action: string): Memory | undefined {
  const memory = (pool as Inside | null | undefined)?.$$memory;
  if (memory !== undefined) requireOwn(memory, action);
  return memory;
}

/**
 * Throws a TypeError for the memory of a pool that another copy of the package made (one of another version, one loaded anew while
 * this program ran). That copy may have a native library of its own, in which the handle is another pool's.
 */
export function requireOwn(memory: unknown, action: string): void {
  if (memory instanceof Memory) return;
  throw new TypeError(
    `${action}: the pool was made by another copy of the package; use one copy only, ` +
      `or reach the pool by Pool.attach(pool.token) here`,
  );
}
