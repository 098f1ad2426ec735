/**
 * Arrays: the elements of a fixed array in a struct, and structs one after the other.
 *
 * @module
 */
import type { Pointer } from "../pointer.ts";
import { show } from "../text.ts";
import type { Codec } from "./codecs.ts";
import type { Slot } from "./layout.ts";
import { addPlainStructs, addPlainValues } from "./plain.ts";
import { pointerTo, type ViewClass } from "./pointers.ts";
import type { Elements } from "./types.ts";
import type { Placed, Window } from "./window.ts";

/** An index from 0 to below `length`, or an error. */
export function checkIndex(index: number, length: number, name: string): void {
  if (index >>> 0 === index && index < length) return;
  const message = `Cannot reach an element of "${name}"`;
  if (typeof index !== "number") {
    throw new TypeError(`${message}: the index is a number, not ${show(index)}`);
  }
  throw new RangeError(`${message}: the index is from 0 to ${length - 1}, not ${show(index)}`);
}

/** Values in a struct. */
export class ValueElements<V> implements Omit<Elements<V>, "toJSON">, Placed {
  readonly length: number;
  declare $$window: Window;
  declare $$offset: number;
  readonly #codec: Codec<V>;
  readonly #stride: number;
  readonly #slot: Slot;

  constructor(
    window: Window,
    offset: number,
    codec: Codec<V>,
    stride: number,
    length: number,
    slot: Slot,
  ) {
    this.$$window = window;
    this.$$offset = offset;
    this.length = length;
    this.#codec = codec;
    this.#stride = stride;
    this.#slot = slot;
  }

  get $pointer(): Pointer {
    return pointerTo(this, "Cannot tell a pointer");
  }

  get(index: number): V {
    checkIndex(index, this.length, this.#slot.name);
    return this.#codec.read(this.$$window, this.$$offset + index * this.#stride, this.#slot);
  }

  set(index: number, value: V): void {
    checkIndex(index, this.length, this.#slot.name);
    const at = this.$$offset + index * this.#stride;
    this.#codec.write(this.$$window, at, value, this.#slot);
  }

  *[Symbol.iterator](): Iterator<V> {
    for (let i = 0; i < this.length; i += 1) yield this.get(i);
  }
}

/** Structs in a pool. */
export class Structs implements Placed {
  readonly length: number;
  declare $$window: Window;
  declare $$offset: number;
  readonly #class: ViewClass;
  readonly #size: number;
  readonly #name: string;
  #cursor: Placed | undefined;

  constructor(window: Window, offset: number, target: ViewClass, length: number, name: string) {
    this.$$window = window;
    this.$$offset = offset;
    this.length = length;
    this.#class = target;
    this.#size = target.size;
    this.#name = name;
  }

  get $pointer(): Pointer {
    return pointerTo(this, "Cannot tell a pointer");
  }

  get(index: number): Placed {
    const window = this.$$window;
    const at = this.#place(index);
    if (at <= window.limit - this.#size) return new this.#class(undefined, at, window);
    const far = this.#aim(at);
    return new this.#class(undefined, window.start + at - far.start, far);
  }

  move(index: number): Placed {
    const cursor = this.#cursor ??= this.get(index);
    const window = this.$$window;
    const at = this.#place(index);
    if (at <= window.limit - this.#size) {
      cursor.$$window = window;
      cursor.$$offset = at | 0;
    } else {
      const far = this.#aim(at);
      cursor.$$window = far;
      cursor.$$offset = window.start + at - far.start | 0;
    }
    return cursor;
  }

  *[Symbol.iterator](): Iterator<Placed> {
    for (let i = 0; i < this.length; i += 1) yield this.get(i);
  }

  #place(index: number): number {
    checkIndex(index, this.length, this.#name);
    return this.$$offset + index * this.#size;
  }

  #aim(at: number): Window {
    const { space, start } = this.$$window;
    return space.aim(start + at, this.#size, `Cannot reach an element of "${this.#name}"`);
  }
}

addPlainValues(ValueElements.prototype);
addPlainStructs(Structs.prototype);
