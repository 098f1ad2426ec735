/**
 * The pointers of a group of blocks that end together.
 *
 * @module
 */
import * as native from "./native.ts";

const none = new Float64Array(0);

/** Pointers: a list as long as the newest goes first, which is cheaper than a set. */
export class PointerGroup {
  #list: number[] = [];
  #set: Set<number> | undefined;

  add(pointer: number): void {
    if (this.#set === undefined) this.#list.push(pointer);
    else this.#set.add(pointer);
  }

  has(pointer: number): boolean {
    if (this.#isNewest(pointer)) return true;
    this.#set ??= new Set(this.#list);
    return this.#set.has(pointer);
  }

  delete(pointer: number): void {
    if (this.#isNewest(pointer)) this.#list.pop();
    else this.#set?.delete(pointer);
  }

  takeAll(): Float64Array {
    if (this.#set === undefined && this.#list.length === 0) return none;
    const pointers = new Float64Array(this.#set ?? this.#list);
    this.#list = [];
    this.#set = undefined;
    return pointers;
  }

  #isNewest(pointer: number): boolean {
    return this.#set === undefined && this.#list.at(-1) === pointer;
  }
}

/** Frees many blocks. What was freed before, against the rules, is passed over; a closed pool has nothing left to free. */
export function freeAll(handle: number, pointers: Float64Array): void {
  let rest = pointers;
  while (rest.length > 0) {
    const freed = native.freeMany(handle, rest, rest.length);
    if (freed < 0) return;
    rest = rest.subarray(freed + 1);
  }
}
