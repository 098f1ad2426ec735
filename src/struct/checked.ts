/**
 * Checked pools: every access by a view asks whether the struct's block is still the one that the view was made of.
 *
 * A checked window stands before the window proper, one for each view. The native side knows whether a block is in use, also
 * when another thread or `freeMany` freed it; a number that `make` gives each new struct tells one from an older one
 * that lay at its place; freeing a view gives one, too, so that what plain `malloc` puts there is told from it. What begins inside a
 * block is known by neither and not checked, unless it is reached by a view of the whole.
 *
 * @module
 */
import type { Memory } from "../memory.ts";
import * as native from "../native.ts";
import type { TextBytes } from "../utf8.ts";
import type { Access, Window } from "./window.ts";
import type { Space } from "./space.ts";

/** The blocks of one pool that views were made of in this isolate. */
export class Checks {
  readonly #memory: Memory;
  /** By pointer, of blocks that are freed meanwhile, too. */
  readonly #numbers = new Map<number, number>();
  #last = 0;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** A struct was made or freed at a pointer: views of what was there before are dead. */
  renew(pointer: number): void {
    this.#numbers.set(pointer, this.#last += 1);
  }

  /** The window for a view at a pointer. RangeError: what was there is freed. */
  guard(window: Window, pointer: number, action: string): Window {
    const status = native.owns(this.#memory.handle, pointer);
    if (status < 0) this.#memory.refuse(status, action);
    const number = this.#numbers.get(pointer);
    if (status === 1) {
      if (number === undefined) this.renew(pointer);
    } else if (number !== undefined) {
      throw new RangeError(`${action}: the struct at ${pointer} was freed`);
    }
    return new CheckedWindow(this, window, pointer, this.#numbers.get(pointer));
  }

  /** Throws unless the block of that number is in use. */
  check(pointer: number, number: number | undefined): void {
    if (number === undefined) return;
    const status = native.owns(this.#memory.handle, pointer);
    if (status < 0) this.#memory.refuse(status, "Cannot reach a struct");
    if (status !== 1 || this.#numbers.get(pointer) !== number) {
      throw new RangeError(`Cannot reach a struct: the one at ${pointer} was freed`);
    }
  }
}

const methods: readonly (keyof Access)[] = [
  "getUint8",
  "getInt8",
  "getUint16",
  "getInt16",
  "getUint32",
  "getInt32",
  "getFloat16",
  "getFloat32",
  "getFloat64",
  "getBigUint64",
  "getBigInt64",
  "setUint8",
  "setInt8",
  "setUint16",
  "setInt16",
  "setUint32",
  "setInt32",
  "setFloat16",
  "setFloat32",
  "setFloat64",
  "setBigUint64",
  "setBigInt64",
];

interface CheckedWindow extends Access {}

class CheckedWindow implements Window {
  readonly space: Space;
  readonly start: number;
  readonly low: number;
  /** No pointer is in this window, so that each one gets its own. */
  readonly limit = -1;
  readonly reach = -1;
  readonly word: number;
  readonly high: number;
  readonly origin: number;
  readonly end: number;
  readonly bytes = undefined;
  readonly inner: Window;
  readonly #checks: Checks;
  readonly #pointer: number;
  readonly #number: number | undefined;

  constructor(checks: Checks, inner: Window, pointer: number, number: number | undefined) {
    this.space = inner.space;
    this.start = inner.start;
    this.low = inner.low;
    this.word = inner.word;
    this.high = inner.high;
    this.origin = inner.origin;
    this.end = inner.end;
    this.inner = inner;
    this.#checks = checks;
    this.#pointer = pointer;
    this.#number = number;
  }

  check(): void {
    this.#checks.check(this.#pointer, this.#number);
  }

  copy(offset: number, length: number): TextBytes {
    this.check();
    return this.inner.copy(offset, length);
  }

  store(offset: number, bytes: TextBytes): void {
    this.check();
    this.inner.store(offset, bytes);
  }
}

for (const name of methods) {
  Object.defineProperty(CheckedWindow.prototype, name, {
    value(this: CheckedWindow, ...values: unknown[]): unknown {
      this.check();
      return Reflect.apply(this.inner[name], this.inner, values);
    },
  });
}
