/**
 * Views as plain values: what `JSON.stringify` and `console.log` show instead of a window and an offset.
 *
 * Pointers are numbers or null and are not followed, since what they lead to may lead back. 64-bit integers are bigints to look at,
 * and decimal text in JSON, which has none.
 *
 * @module
 */
import { type Inspect, inspection } from "../runtime/inspect.ts";
import type { Layout, Slot } from "./layout.ts";
import { freed, type Placed } from "./window.ts";

/** How a value is written. */
interface Form {
  readonly bigint: (value: bigint) => unknown;
  /** In place of what cannot be read. */
  readonly failed: (error: unknown) => unknown;
}

const json: Form = {
  bigint: String,
  failed: (error) => {
    throw error;
  },
};

const shown: Form = {
  bigint: (value) => value,
  failed: (error) => new Unreadable(error),
};

/** Shows as the reason, without quotes. */
class Unreadable {
  readonly text: string;

  constructor(error: unknown) {
    this.text = `<${error instanceof Error ? error.message : String(error)}>`;
  }
}
Object.defineProperties(Unreadable.prototype, inspection((of) => (of as Unreadable).text));

/** By the prototype of their views. */
const layouts = new WeakMap<object, Layout>();

/** What the fields of a view hold. */
function plainFields(view: object, form: Form): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const slot of layouts.get(Object.getPrototypeOf(view))?.slots ?? []) {
    try {
      plain[slot.name] = plainField(view as Record<string, unknown>, slot, form);
    } catch (error) {
      plain[slot.name] = form.failed(error);
    }
  }
  return plain;
}

function plainField(fields: Record<string, unknown>, { name, type }: Slot, form: Form): unknown {
  if (type.kind === "pointer") return fields[type.to === undefined ? name : `$${name}`] || null;
  const value = fields[name];
  if (type.kind === "struct") return plainFields(value as object, form);
  if (type.kind !== "array") return plainValue(value, form);
  return type.of.kind === "struct"
    ? plainStructs(value as Iterable<object>, form)
    : plainValues(value as Iterable<unknown>, form);
}

function plainStructs(structs: Iterable<object>, form: Form): unknown[] {
  return Array.from(structs, (each) => plainFields(each, form));
}

/** Numbers, texts, and what pointers lead to. */
function plainValues(values: Iterable<unknown>, form: Form): unknown[] {
  return Array.from(
    values,
    (each) =>
      typeof each === "object" && each !== null
        ? (each as Pointed).$pointer
        : plainValue(each, form),
  );
}

interface Pointed {
  readonly $pointer: number;
}

function plainValue(value: unknown, form: Form): unknown {
  return typeof value === "bigint" ? form.bigint(value) : value;
}

/**
 * Adds methods that do not show: `toJSON`, and what the runtimes' consoles ask for.
 *
 * @param prototype Of the objects.
 * @param name What they are called.
 * @param plain The plain value of one.
 */
function addMethods<T extends Placed>(
  prototype: T,
  name: string,
  plain: (of: T, form: Form) => unknown,
): void {
  const text = (of: object, inspect: Inspect, options: unknown): string => {
    // A debugger must not meet an exception, whatever it shows.
    if (of === prototype) return `${name} {}`;
    if ((of as T).$$offset === freed) return `${name} <freed>`;
    try {
      return `${name} ${inspect(plain(of as T, shown), options)}`;
    } catch (error) {
      return `${name} ${new Unreadable(error).text}`;
    }
  };
  Object.defineProperty(prototype, "toJSON", {
    configurable: true,
    value(this: T): unknown {
      return plain(this, json);
    },
  });
  Object.defineProperties(prototype, inspection(text));
}

/** For the views of a struct. */
export function addPlainView(prototype: object, name: string, layout: Layout): void {
  layouts.set(prototype, layout);
  addMethods(prototype as Placed, name || "struct", plainFields);
}

/** For the structs in arrays. */
export function addPlainStructs(prototype: Placed & Iterable<object>): void {
  addMethods(prototype, "structs", plainStructs);
}

/** For the values in arrays. */
export function addPlainValues(prototype: Placed & Iterable<unknown>): void {
  addMethods(prototype, "elements", plainValues);
}
