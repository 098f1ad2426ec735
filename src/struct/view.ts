/**
 * The classes of views. A view has two properties, its window and its offset there, and inherits one accessor a
 * field. Nothing is generated as source, nothing is a Proxy, and no view is kept: engines remove a view that does not
 * leave its loop.
 *
 * @module
 */
import { type Inside, memoryOf } from "../memory.ts";
import type { Pointer } from "../pointer.ts";
import type { Pool } from "../pool.ts";
import { show } from "../text.ts";
import { codecOf } from "./codecs.ts";
import { Structs, ValueElements } from "./elements.ts";
import { type Accessor, generateAccessor, generateFollow } from "./generate.ts";
import type { Known, Slot, StructType } from "./layout.ts";
import {
  follow,
  followFar,
  pointerTo,
  pointTo,
  readPointer,
  type ViewClass,
  writePointer,
} from "./pointers.ts";
import type { Space } from "./space.ts";
import { readString, readText, writeString, writeText } from "./text.ts";
import type { Placed, Window } from "./window.ts";

/** What this module knows of a struct; `key` is a property of its class. */
export interface Info extends StructType {
  readonly class: ViewClass;
  /** Where the pointers of owned strings are. */
  readonly strings: readonly number[];
}

/** The property of a struct's class that says what is known of it. */
export const key: unique symbol = Symbol("struct");

/** What is known of a struct; undefined for anything else. */
export function infoOf(value: unknown): Info | undefined {
  return typeof value === "function" ? (value as unknown as { [key]?: Info })[key] : undefined;
}

/** The struct that a pointer's function gives. */
export function targetOf(to: () => unknown): Info {
  const target = to();
  const info = infoOf(target);
  if (info === undefined) {
    throw new TypeError(`Cannot follow a pointer: it leads to ${show(target)}, not to a struct`);
  }
  return info;
}

/** Its class. */
export function targetClass(to: () => unknown): ViewClass {
  return targetOf(to).class;
}

/** The space of a pool's structs. TypeError: it is no pool. */
export function spaceOf(pool: Pool, action: string): Space {
  const memory = memoryOf(pool, action);
  if (memory === undefined) throw new TypeError(`${action}: ${show(pool)} is not a pool`);
  return memory.space;
}

/** Makes a view one of the struct at a pointer. Not in the constructor, which V8 would copy with it wherever a pointer is followed. */
function place(view: Placed, pool: Pool, pointer: number, size: number): void {
  const last = ((pool as unknown as Inside | null)?.$$memory ?? notAPool(pool)).space.window;
  const offset = pointer - last.start;
  if ((offset | 0) === offset && offset >= last.low && offset <= last.limit - size) {
    view.$$window = last;
    view.$$offset = offset | 0;
  } else {
    const there = last.space.aim(pointer, size, "Cannot make a view");
    view.$$window = there;
    view.$$offset = pointer - there.start | 0;
  }
}

function notAPool(value: unknown): never {
  throw new TypeError(`Cannot make a view: ${show(value)} is not a pool`);
}

/**
 * A class of views without properties yet.
 *
 * Every prototype gets a key of its own: otherwise JavaScriptCore gives the prototypes of all structs one shape, and then
 * inlines none of their properties, 15 ns for `new Node(pool, pointer).value` instead of 1.1 with a second struct in
 * the program. Class fields would do the same to V8. The
 * methods are small (JavaScriptCore leaves longer ones alone: with a test of the pointer's type too, 13 ns instead of 1.2 for a new view) and call nothing on their usual way: a call before the object is complete keeps V8 from leaving out the
 * object, and from `this` given to another function it is always made.
 */
export function makeClass(size: number, name: string): ViewClass & { readonly prototype: object } {
  const made = class implements Placed {
    declare $$window: Window;
    declare $$offset: number;

    constructor(pool: Pool, pointer: number, window?: Window) {
      if (window === undefined) place(this, pool, pointer, size);
      else {
        this.$$window = window;
        this.$$offset = pointer | 0;
      }
    }

    get $pointer(): Pointer {
      return pointerTo(this, "Cannot tell a pointer");
    }

    move(pointer: number): this {
      const window = this.$$window;
      const offset = pointer - window.start;
      if ((offset | 0) === offset && offset >= window.low && offset <= window.limit - size) {
        this.$$offset = offset | 0;
      } else {
        const there = window.space.aim(pointer, size, "Cannot move a view");
        this.$$window = there;
        this.$$offset = pointer - there.start | 0;
      }
      return this;
    }
  };
  Object.defineProperty(made, "name", { value: name });
  Object.defineProperty(made.prototype, Symbol(name), { value: undefined });
  return made as unknown as ViewClass & { readonly prototype: object };
}

/** Adds what a field is reached by. */
export function addProperties(prototype: object, slot: Slot): void {
  const { name, at, type } = slot;
  define(prototype, name, accessorOf(prototype, slot));
  if (type.kind === "string" || type.kind === "pointer" && type.to !== undefined) {
    define(prototype, `$${name}`, pointerAccessor(at, slot) as Accessor<never>);
  }
}

function define(prototype: object, name: string, accessor: Accessor<never>): void {
  Object.defineProperty(prototype, name, { ...accessor, enumerable: true, configurable: true });
}

function accessorOf(prototype: object, slot: Slot): Accessor<never> {
  const { at, type } = slot;
  switch (type.kind) {
    case "scalar":
      return scalarAccessor(slot) as Accessor<never>;
    case "text":
      return textAccessor(at, type.bytes, slot) as Accessor<never>;
    case "string":
      return stringAccessor(at, slot) as Accessor<never>;
    case "pointer":
      return type.to === undefined
        ? pointerAccessor(at, slot) as Accessor<never>
        : unresolved(prototype, slot, type.to) as Accessor<never>;
    case "struct":
      return structAccessor(at, (type.of as Info).class) as Accessor<never>;
    case "array":
      return arrayAccessor(at, type, slot) as Accessor<never>;
  }
}

function scalarAccessor(slot: Slot): Accessor<unknown> {
  const { at, type } = slot;
  const { read, write } = codecOf(type, targetClass);
  const set = (view: Placed, value: unknown): void => {
    write(view.$$window, view.$$offset + at, value, slot);
  };
  return generateAccessor(type, at, set) ?? {
    get(): unknown {
      return read(this.$$window, this.$$offset + at, slot);
    },
    set(value): void {
      set(this, value);
    },
  };
}

/** A field that points to structs which may not be declared yet: at its first use it becomes one whose target is known. */
function unresolved(
  prototype: object,
  slot: Slot,
  to: () => unknown,
): Accessor<Placed | null> {
  const resolve = (): Accessor<Placed | null> => {
    const accessor = viewAccessor(slot.at, targetClass(to), slot);
    define(prototype, slot.name, accessor as Accessor<never>);
    return accessor;
  };
  return {
    get(): Placed | null {
      return resolve().get.call(this);
    },
    set(view): void {
      resolve().set?.call(this, view);
    },
  };
}

function viewAccessor(at: number, target: ViewClass, slot: Slot): Accessor<Placed | null> {
  const { size } = target;
  const far = (window: Window, low: number, high: number): Placed =>
    followFar(window, low, high, target, slot);
  return {
    get: generateFollow(at, target, far) ?? function (): Placed | null {
      return follow(this.$$window, this.$$offset + at, target, size, slot);
    },
    set(view): void {
      pointTo(this.$$window, this.$$offset + at, view, target, slot);
    },
  };
}

function pointerAccessor(at: number, slot: Slot): Accessor<number> {
  return {
    get(): number {
      const window = this.$$window;
      const place = this.$$offset + at;
      const low = window.getInt32(place, true);
      if (low > 0 && low < window.end && window.getInt32(place + 4, true) === window.high) {
        return window.origin + low;
      }
      return readPointer(window, place, slot);
    },
    set(pointer): void {
      writePointer(this.$$window, this.$$offset + at, pointer, slot);
    },
  };
}

function textAccessor(at: number, bytes: number, slot: Slot): Accessor<string> {
  return {
    get(): string {
      return readText(this.$$window, this.$$offset + at, bytes);
    },
    set(text): void {
      writeText(this.$$window, this.$$offset + at, bytes, text, slot);
    },
  };
}

function stringAccessor(at: number, slot: Slot): Accessor<string | null> {
  return {
    get(): string | null {
      return readString(this.$$window, this.$$offset + at, slot);
    },
    set(text): void {
      writeString(this.$$window, this.$$offset + at, text, slot);
    },
  };
}

function structAccessor(at: number, target: ViewClass): Accessor<Placed> {
  return {
    get(): Placed {
      return new target(undefined, this.$$offset + at, this.$$window);
    },
  };
}

function arrayAccessor(
  at: number,
  { of, length, stride }: Known & { kind: "array" },
  slot: Slot,
): Accessor<Placed> {
  if (of.kind === "struct") {
    const target = (of.of as Info).class;
    return {
      get(): Placed {
        return new Structs(this.$$window, this.$$offset + at, target, length, slot.name);
      },
    };
  }
  const codec = codecOf(of, targetClass);
  return {
    get(): Placed {
      return new ValueElements(this.$$window, this.$$offset + at, codec, stride, length, slot);
    },
  };
}
