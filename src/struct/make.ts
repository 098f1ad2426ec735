/**
 * The life of a struct in a pool: `pool.make` and `pool.free(view)`.
 *
 * @module
 */
import { closedHandle, type Memory } from "../memory.ts";
import * as native from "../native.ts";
import type { Pointer } from "../pointer.ts";
import { EBADF } from "../refuse.ts";
import { show } from "../text.ts";
import { codecOf } from "./codecs.ts";
import { pointerTo, readPointer } from "./pointers.ts";
import type { Known, Slot } from "./layout.ts";
import { type Info, infoOf, targetOf } from "./view.ts";
import { freed, type Placed, type Window } from "./window.ts";

type Filler = (window: Window, at: number, value: unknown) => void;

/** How to fill the fields of each struct, by name; made at the first use. */
const fillers = new WeakMap<Info, ReadonlyMap<string, Filler>>();

/** Allocates a struct of zeros and sets its first values; on an error everything is given back. */
export function make(memory: Memory, type: unknown, init: unknown): Placed {
  const action = "Cannot make a struct";
  const info = infoOf(type);
  if (info === undefined) throw new TypeError(`${action}: ${show(type)} is not a struct`);
  const space = memory.space;
  const { handle } = memory;
  const pointer = memory.number(native.allocate(handle, info.size, 1, 1), action);
  space.renew(pointer);
  const window = space.aim(pointer, info.size, action);
  const view = new info.class(undefined, pointer - window.start, window);
  if (init === undefined) return view;
  try {
    fill(info, view.$$window, view.$$offset, init, action);
  } catch (error) {
    freeView(memory, view);
    throw error;
  }
  return view;
}

/** Frees a struct and the strings that it owns. */
export function freeView(memory: Memory, view: Placed): void {
  const action = "Cannot free a struct";
  const window = view.$$window;
  if (window.space !== memory.space) {
    throw new TypeError(`${action}: it is in another pool`);
  }
  const pointer = pointerTo(view, action);
  const info = infoOf(view.constructor);
  if (info === undefined) throw new TypeError(`${action}: ${show(view)} is not a view of one`);
  if (memory.handle === closedHandle) memory.refuse(-EBADF, action);
  const strings = info.strings.length === 0 ? none : stringsOf(info, view);
  const status = native.free(memory.handle, pointer);
  if (status !== 0) memory.refuse(status, action, pointer);
  memory.space.renew(pointer); // other views of it are not of what comes to lie there
  view.$$offset = freed;
  for (const string of strings) {
    const status = native.free(memory.handle, string);
    if (status !== 0) memory.refuse(status, `${action}: cannot free its text`, string);
  }
}

const none: readonly Pointer[] = [];

/** The blocks of the strings that a struct owns. */
function stringsOf(info: Info, { $$window, $$offset }: Placed): Pointer[] {
  return info.strings
    .map((at) => readPointer($$window, $$offset + at, stringSlot))
    .filter((pointer) => pointer !== 0);
}

/** The pointers of a struct and of the strings that it owns, for who frees them; the view is dead from now on. */
export function takeApart(view: Placed): number[] {
  const window = view.$$window;
  const at = view.$$offset;
  const strings = infoOf(view.constructor)?.strings ?? [];
  const pointers = strings.map((string) => readPointer(window, at + string, stringSlot));
  window.space.renew(window.start + at);
  view.$$offset = freed;
  return [window.start + at, ...pointers];
}

/** Whether a value is a view of a struct. */
export function isView(value: unknown): value is Placed {
  return typeof value === "object" && value !== null && "$$window" in value;
}

const stringSlot: Slot = { name: "string", type: { kind: "string" }, at: 0 };

function fill(info: Info, window: Window, at: number, init: unknown, action: string): void {
  if (typeof init !== "object" || init === null) {
    throw new TypeError(`${action}: the values must be an object, not ${show(init)}`);
  }
  let known = fillers.get(info);
  if (known === undefined) fillers.set(info, known = fillersOf(info));
  for (const name of Object.keys(init)) {
    const filler = known.get(name);
    if (filler === undefined) throw new TypeError(`${action}: it has no field ${show(name)}`);
    filler(window, at, (init as Record<string, unknown>)[name]);
  }
}

function fillersOf(info: Info): ReadonlyMap<string, Filler> {
  return new Map(info.layout.slots.map((slot) => {
    const filler = fillerOf(slot.type, slot);
    return [slot.name, (window, at, value) => filler(window, at + slot.at, value)];
  }));
}

function fillerOf(type: Known, slot: Slot): Filler {
  const action = `Cannot set "${slot.name}"`;
  if (type.kind === "struct") {
    const info = type.of as Info;
    return (window, at, value) => fill(info, window, at, value, action);
  }
  if (type.kind === "array") {
    const filler = fillerOf(type.of, slot);
    return (window, at, value) => {
      if (!Array.isArray(value)) {
        throw new TypeError(`${action}: its values must be an array, not ${show(value)}`);
      }
      if (value.length > type.length) {
        throw new RangeError(
          `${action}: ${value.length} values are more than its ${type.length} elements`,
        );
      }
      for (let i = 0; i < value.length; i += 1) filler(window, at + i * type.stride, value[i]);
    };
  }
  const codec = codecOf(type, (to) => targetOf(to).class);
  return (window, at, value) => codec.write(window, at, value, slot);
}
