/**
 * The structs of a group of blocks that end together.
 *
 * @module
 */
import type { Memory } from "../memory.ts";
import * as native from "../native.ts";
import { isView, takeApart } from "./make.ts";
import { freed, type Placed } from "./window.ts";

/** Views by what they are of; a view may have been moved since. */
export class StructGroup {
  readonly #views: Map<number, Placed> = new Map();

  add(view: Placed): void {
    this.#views.set(placeOf(view), view);
  }

  /** Whether a value is a view of one of the structs. */
  has(value: unknown): boolean {
    if (!isView(value)) return false;
    return this.#views.get(placeOf(value))?.$$window.space === value.$$window.space;
  }

  delete(place: number): void {
    this.#views.delete(place);
  }

  /** The pointers of the structs and the strings that they own, to be freed; their views are dead from now on. */
  takeAll(memory: Memory): number[] {
    const pointers: number[] = [];
    for (const [place, view] of this.#views) {
      // What was freed against the rules has no strings that could be trusted.
      if (native.owns(memory.handle, place) !== 1) continue;
      const own = placeOf(view) === place ? view : viewAt(memory, view, place);
      pointers.push(...partsOf(own, place));
    }
    this.#views.clear();
    return pointers;
  }
}

/** Of what is no struct of this type any more, freed against the rules or written over, only the block. */
function partsOf(view: Placed, place: number): number[] {
  try {
    return takeApart(view);
  } catch {
    return [place];
  }
}

/** Where a view's struct begins; below 0 when it was freed. */
export function placeOf(view: Placed): number {
  return view.$$offset === freed ? -1 : view.$$window.start + view.$$offset;
}

/** A new view of the type of another. */
function viewAt(memory: Memory, like: Placed, place: number): Placed {
  const type = like.constructor as new (pool: undefined, offset: number, window: unknown) => Placed;
  const window = memory.space.aim(place, 1, "Cannot free a struct");
  return new type(undefined, place - window.start, window);
}
