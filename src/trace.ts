/**
 * Pools that remember where each block was allocated.
 *
 * A pool that is to be traced, and each of its scopes, gets methods of its own in place of those of the class that allocate; so a pool that
 * is not runs the very code that it would run if nothing could be traced. Blocks that no such method gives, the texts of string fields, are noted where
 * they are made.
 *
 * The native side keeps the table, for all workers that use the pool, and marks each block that is in it. The mark ends with
 * the block, however it is freed, so nobody has to tell of that, and a block that comes to lie at the same place later is not
 * taken for it.
 *
 * @module
 */
import type { TypedArray } from "./array.ts";
import { type CallSite, callSite } from "./call_site.ts";
import { bookOf } from "./columns.ts";
import { byteLengthOf } from "./intrinsics.ts";
import { gone, type LeakListener, leaksOf, leakTable, separator } from "./leaks.ts";
import type { Memory } from "./memory.ts";
import * as native from "./native.ts";
import type { NativeOptions } from "./options.ts";
import type { Pool } from "./pool.ts";
import type { Scope } from "./scope.ts";
import { placeOf } from "./struct/group.ts";
import type { Placed } from "./struct/window.ts";
import { encode } from "./text.ts";

// deno-lint-ignore ban-types -- whatever was called
type Called = Function;

/** The tracing of one pool in this isolate. */
export class Trace {
  /** Where the pool was made, or "". */
  readonly made: string;
  readonly #memory: Memory;
  readonly #listener: LeakListener | undefined;
  readonly #sites = new Map<string, number>();
  readonly #one = new Float64Array(1);
  /** The package's function that the program called, as long as it runs. */
  above: Called | undefined = undefined;

  constructor(memory: Memory, made: string, listener: LeakListener | undefined) {
    this.#memory = memory;
    this.made = made;
    this.#listener = listener;
  }

  /** A block was allocated by the function `made`, for whoever called it or what it is a part of. */
  note(pointer: number, made: Called): void {
    this.#one[0] = pointer;
    this.noteMany(this.#one, made);
  }

  /** As `note`. */
  noteMany(pointers: Float64Array, made: Called): void {
    const found = callSite(this.above ?? made);
    // Also where no place is known: an array that was resized where it is was noted as freed.
    const site = found === undefined ? 0 : this.#siteOf(found);
    // Without memory for it a block has no place, which is no reason to fail.
    native.note(this.#memory.handle, pointers, pointers.length, site);
  }

  /** The array of this block was taken away. The block may go later, when the engine has no use for it any more. */
  noteFreed(pointer: number): void {
    this.#one[0] = pointer;
    native.note(this.#memory.handle, this.#one, 1, gone);
  }

  /** What to do when the pool has been closed; undefined: nothing is left. */
  atClose(): (() => void) | undefined {
    if (native.size(this.#memory.handle) < 0) return undefined; // closed already, which is for others to say
    const leaks = leaksOf(this.#memory);
    if (leaks.length === 0) return undefined;
    const table = leakTable(leaks, this.made);
    const listener = this.#listener;
    // Standard error has it even where standard output is data, and test runners show it beside the test.
    return listener === undefined ? () => console.warn(table) : () => listener(leaks, table);
  }

  /** The number that the native side gave to a place. */
  #siteOf({ site, caller }: CallSite): number {
    const name = `${site}${separator}${caller}`;
    const known = this.#sites.get(name);
    if (known !== undefined) return known;
    const bytes = encode(name);
    const number = native.site(this.#memory.handle, bytes, bytes.length);
    if (number < 0) return 0;
    this.#sites.set(name, number);
    return number;
  }
}

/** Where a pool is being made, if it is to be traced: above the method that was called. */
export function placeOfPool({ trace }: NativeOptions, above: Called): string | undefined {
  if (trace === undefined || trace === false) return undefined;
  const place = callSite(above)?.site;
  return place ?? "";
}

/** What a method that allocates gave, as pointers. */
type Pointers = (memory: Memory, made: unknown) => number | Float64Array;

const itself: Pointers = (_memory, made) => made as number;

/** Of arrays and columns. */
const ofBuffer: Pointers = (memory, made) => {
  const array = bookOf(made)?.bytes ?? made as TypedArray;
  return native.locate(memory.handle, array, byteLengthOf(array));
};

/** The methods that allocate, and how what they give is one or more blocks. */
const methods: Readonly<Record<string, Pointers>> = {
  malloc: itself,
  calloc: itself,
  realloc: itself,
  strdup: itself,
  mallocMany: (_memory, made) => made as Float64Array,
  alloc: ofBuffer,
  resize: ofBuffer,
  columns: ofBuffer,
  make: (_memory, made) => placeOf(made as Placed),
};

/** Those of a scope, which call the pool's. */
const scopeMethods = Object.keys(methods).filter((name) => name !== "mallocMany");

/** From now on notes what the pool allocates. `made` and `listener` are the owner's, who tells at the close. */
export function trace(
  pool: Pool,
  memory: Memory,
  made: string,
  listener: boolean | LeakListener | undefined,
): void {
  const own = memory.trace = new Trace(
    memory,
    made,
    typeof listener === "function" ? listener : undefined,
  );
  const { arrays } = memory;
  replace(arrays, "delete", (plain) => (pointer: number): void => {
    plain.call(arrays, pointer);
    own.noteFreed(pointer);
  });
  for (const [name, pointersOf] of Object.entries(methods)) {
    replace(pool, name, (plain) => traced(own, memory, plain, pointersOf));
  }
  traceScopes(pool, own);
}

/** A scope is told of, too, because the program calls it and not the pool. */
function traceScopes(of: Pool | Scope, own: Trace): void {
  replace(of, "scope", (plain) => () => {
    const scope = plain.call(of) as Scope;
    for (const name of scopeMethods) {
      replace(scope, name, (inner) => passed(own, inner));
    }
    traceScopes(scope, own);
    return scope;
  });
}

/** Gives an object a method of its own in place of its class's. */
function replace(object: object, name: string, make: (plain: Called) => Called): void {
  const plain = (object as Record<string, unknown>)[name] as Called;
  Object.defineProperty(object, name, { value: make(plain), configurable: true, writable: true });
}

/** A method of the pool that notes what it gives. */
function traced(trace: Trace, memory: Memory, plain: Called, pointersOf: Pointers): Called {
  return function allocate(this: unknown, ...given: unknown[]): unknown {
    const outer = trace.above;
    trace.above ??= allocate;
    try {
      const made: unknown = plain.apply(this, given);
      const pointers = pointersOf(memory, made);
      if (typeof pointers === "number") trace.note(pointers, allocate);
      else trace.noteMany(pointers, allocate);
      return made;
    } finally {
      trace.above = outer;
    }
  };
}

/** A method of a scope. Not of the same text as those of the pool: JavaScriptCore takes one closure of a function for another. */
function passed(trace: Trace, plain: Called): Called {
  return function allocateInScope(this: unknown, ...given: unknown[]): unknown {
    trace.above = allocateInScope;
    try {
      return plain.apply(this, given) as unknown;
    } finally {
      trace.above = undefined;
    }
  };
}
