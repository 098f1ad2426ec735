/**
 * Field functions made as source text, one pair for each field of each pool.
 *
 * Why as text: an engine learns what it needs for inlining by literal, and takes variables around a function for constants
 * only where they were made once. Functions of one literal took 1.4 times as long in JavaScriptCore.
 *
 * Why without a branch: an `if` that throws leaves the loop that it is inlined into, and V8 peels no loop with such an exit;
 * without the peeled turn it loads the window, its bounds and its address anew for every field: 24 instructions, and random
 * access to main memory takes twice as long because fewer loads are under way. So what is wrong selects an offset that
 * is nowhere, the check of bounds that a `DataView` does anyway refuses it, and `catch` finds out what it was.
 *
 * @module
 */
import type { Known, ScalarName } from "./layout.ts";
import type { ViewClass } from "./pointers.ts";
import type { FieldWindow, Placed, Window } from "./window.ts";

/** What reads and writes one field of the struct at a pointer. */
export type Pair<V> = readonly [(pointer: number) => V, (pointer: number, value: V) => void];

/** The window to use after an access failed; throws what was wrong with it or with the pointer. */
export type Renew = (error: unknown, pointer: number) => FieldWindow;

/** Methods of a `DataView` for each type, and when it takes a value `v`. They are the checks of scalars.ts. */
const scalars: Readonly<Record<Exclude<ScalarName, "size" | "bool">, readonly [string, string]>> = {
  u8: ["Uint8", "(v & 0xff) === v"],
  i8: ["Int8", "v << 24 >> 24 === v"],
  u16: ["Uint16", "(v & 0xffff) === v"],
  i16: ["Int16", "v << 16 >> 16 === v"],
  u32: ["Uint32", "v >>> 0 === v"],
  i32: ["Int32", "(v | 0) === v"],
  f16: ["Float16", 'typeof v === "number" && !(Math.abs(v) >= 65520 && Math.abs(v) < Infinity)'],
  f32: [
    "Float32",
    'typeof v === "number" && !(Math.abs(v) >= 2 ** 128 - 2 ** 103 && Math.abs(v) < Infinity)',
  ],
  f64: ["Float64", 'typeof v === "number"'],
  u64: ["BigUint64", 'typeof v === "bigint" && BigInt.asUintN(64, v) === v'],
  i64: ["BigInt64", 'typeof v === "bigint" && BigInt.asIntN(64, v) === v'],
};

/** The statements that get a field, when a value can be set, the statements that set it, and what they need. */
type Source = readonly [get: string, takes: string, set: string, before?: string];

function sourceOf(type: Known): Source | undefined {
  if (type.kind === "pointer") {
    return [
      "const low = w.getInt32(q, true), high = w.getInt32(q + 4, true), ok = field.knows(low, high);" +
      " return field.pointer(w.getInt32(ok ? q : -1, true), high);",
      "field.reaches(v)",
      "w.setInt32(q, v, true); w.setInt32(q + 4, high, true);",
      ", high = field.highOf(v)",
    ];
  }
  if (type.kind !== "scalar" || type.scalar === "size") return undefined;
  if (type.scalar === "bool") {
    return ["return w.getUint8(q) !== 0;", 'typeof v === "boolean"', "w.setUint8(q, v ? 1 : 0);"];
  }
  const [method, takes] = scalars[type.scalar];
  if (type.scalar === "u32") {
    // What getUint32 gives is no small integer in JavaScriptCore, whatever its value.
    return ["return w.getInt32(q, true) >>> 0;", takes, "w.setInt32(q, v, true);"];
  }
  return [`return w.get${method}(q, true);`, takes, `w.set${method}(q, v, true);`];
}

type Make = <V>(field: FieldWindow, renew: Renew, slow: Pair<V>) => Pair<V>;

/** A property of a view. */
export interface Accessor<V> {
  get(this: Placed): V;
  set?(this: Placed, value: V): void;
}

type MakeAccessor = <V>(write: (view: Placed, value: V) => void) => Accessor<V>;

/** Whether this isolate refused to make code of text. */
let forbidden = false;

/**
 * The functions of a field; undefined if there is no source for its type, or the program was started so that text may
 * not become code.
 *
 * @param type Its type.
 * @param field The window that the field is in.
 * @param renew Called when an access failed.
 * @param slow Does the access after that.
 */
export function generate<V>(
  type: Known,
  field: FieldWindow,
  renew: Renew,
  slow: Pair<V>,
): Pair<V> | undefined {
  const source = sourceOf(type);
  if (source === undefined) return undefined;
  return compile<Make>(["field", "renew", "slow"], bodyOf(source))?.(field, renew, slow);
}

function bodyOf([get, takes, set, before = ""]: Source): string {
  return `
    const [read, write] = slow;
    return [
      (p) => {
        const w = field.at(p), q = field.offset(p);
        try { ${get} } catch (e) { field = renew(e, p); return read(p); }
      },
      (p, v) => {
        const w = field.at(p), o = field.offset(p), q = ${takes} ? o : -1${before};
        try { ${set} } catch (e) { field = renew(e, p); write(p, v); }
      },
    ];`;
}

/**
 * The property of a view for a number; undefined as above.
 *
 * @param type Its type.
 * @param at Where in the struct it is.
 * @param write Sets it, and throws what is wrong.
 */
export function generateAccessor<V>(
  type: Known,
  at: number,
  write: (view: Placed, value: V) => void,
): Accessor<V> | undefined {
  const source = type.kind === "scalar" ? sourceOf(type) : undefined;
  if (source === undefined) return undefined;
  const [get, takes, set] = source;
  const body = `return {
    get() { const w = this.$$window, q = this.$$offset + ${at}; ${get} },
    set(v) {
      const w = this.$$window, o = this.$$offset + ${at}, q = ${takes} ? o : -1;
      try { ${set} } catch { write(this, v); }
    },
  };`;
  return compile<MakeAccessor>(["write"], body)?.(write);
}

/**
 * How a view gets the view of what a field points to; undefined as above.
 *
 * @param at Where in the struct the field is.
 * @param target Makes views.
 * @param far Gets those that are not in the same window.
 */
export function generateFollow(
  at: number,
  target: ViewClass,
  far: (window: Window, low: number, high: number) => Placed,
): ((this: Placed) => Placed | null) | undefined {
  // Short, because V8 copies no more than 920 bytes of such code into one function.
  const body = `return function () {
    const w = this.$$window, q = this.$$offset + ${at};
    const low = w.getInt32(q, true), high = w.getInt32(q + 4, true), o = low - w.word >>> 0;
    return high === w.high && o <= w.reach - ${target.size} ? new target(undefined, o, w) :
      (low | high) === 0 ? null : far(w, low, high);
  };`;
  return compile<(...values: unknown[]) => (this: Placed) => Placed | null>(
    ["target", "far"],
    body,
  )?.(target, far);
}

/** A function of the text; undefined if the program was started so that text may not become code. */
function compile<T>(parameters: readonly string[], body: string): T | undefined {
  if (forbidden) return undefined;
  try {
    return new Function(...parameters, `"use strict"; ${body}`) as T;
  } catch {
    forbidden = true;
    return undefined;
  }
}
