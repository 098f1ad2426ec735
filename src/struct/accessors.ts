/**
 * The properties of views: for each number type a getter and a setter, closed over the place of the field.
 *
 * One function literal a type, although they look alike: an engine compiles a literal once, with what it has seen in it. And
 * each reaches memory itself, before it calls anything: a function in between makes V8 doubt what the view is.
 *
 * @module
 */
import type { ScalarName, Slot } from "./layout.ts";
import type { Scalars } from "./types.ts";
import {
  checkBool,
  checkF16,
  checkF32,
  checkF64,
  checkI16,
  checkI32,
  checkI64,
  checkI8,
  checkU16,
  checkU32,
  checkU64,
  checkU8,
  readSize,
  writeSize,
} from "./scalars.ts";
import type { Placed } from "./window.ts";

/** A property of a view. */
export interface Accessor<V> {
  get(this: Placed): V;
  set?(this: Placed, value: V): void;
}

type Maker<V> = (at: number, slot: Slot) => Accessor<V>;

const makers: {
  readonly [K in ScalarName]: Maker<Scalars[K]>;
} = {
  u8: (at, slot) => ({
    get(): number {
      return this.$$window.getUint8(this.$$offset + at);
    },
    set(value): void {
      const window = this.$$window;
      const place = this.$$offset + at;
      checkU8(value, slot);
      window.setUint8(place, value);
    },
  }),
  i8: (at, slot) => ({
    get(): number {
      return this.$$window.getInt8(this.$$offset + at);
    },
    set(value): void {
      const window = this.$$window;
      const place = this.$$offset + at;
      checkI8(value, slot);
      window.setInt8(place, value);
    },
  }),
  u16: (at, slot) => ({
    get(): number {
      return this.$$window.getUint16(this.$$offset + at, true);
    },
    set(value): void {
      const window = this.$$window;
      const place = this.$$offset + at;
      checkU16(value, slot);
      window.setUint16(place, value, true);
    },
  }),
  i16: (at, slot) => ({
    get(): number {
      return this.$$window.getInt16(this.$$offset + at, true);
    },
    set(value): void {
      const window = this.$$window;
      const place = this.$$offset + at;
      checkI16(value, slot);
      window.setInt16(place, value, true);
    },
  }),
  u32: (at, slot) => ({
    get(): number {
      return this.$$window.getUint32(this.$$offset + at, true);
    },
    set(value): void {
      const window = this.$$window;
      const place = this.$$offset + at;
      checkU32(value, slot);
      window.setUint32(place, value, true);
    },
  }),
  i32: (at, slot) => ({
    get(): number {
      return this.$$window.getInt32(this.$$offset + at, true);
    },
    set(value): void {
      const window = this.$$window;
      const place = this.$$offset + at;
      checkI32(value, slot);
      window.setInt32(place, value, true);
    },
  }),
  f16: (at, slot) => ({
    get(): number {
      return this.$$window.getFloat16(this.$$offset + at, true);
    },
    set(value): void {
      const window = this.$$window;
      const place = this.$$offset + at;
      checkF16(value, slot);
      window.setFloat16(place, value, true);
    },
  }),
  f32: (at, slot) => ({
    get(): number {
      return this.$$window.getFloat32(this.$$offset + at, true);
    },
    set(value): void {
      const window = this.$$window;
      const place = this.$$offset + at;
      checkF32(value, slot);
      window.setFloat32(place, value, true);
    },
  }),
  f64: (at, slot) => ({
    get(): number {
      return this.$$window.getFloat64(this.$$offset + at, true);
    },
    set(value): void {
      const window = this.$$window;
      const place = this.$$offset + at;
      checkF64(value, slot);
      window.setFloat64(place, value, true);
    },
  }),
  u64: (at, slot) => ({
    get(): bigint {
      return this.$$window.getBigUint64(this.$$offset + at, true);
    },
    set(value): void {
      const window = this.$$window;
      const place = this.$$offset + at;
      checkU64(value, slot);
      window.setBigUint64(place, value, true);
    },
  }),
  i64: (at, slot) => ({
    get(): bigint {
      return this.$$window.getBigInt64(this.$$offset + at, true);
    },
    set(value): void {
      const window = this.$$window;
      const place = this.$$offset + at;
      checkI64(value, slot);
      window.setBigInt64(place, value, true);
    },
  }),
  size: (at, slot) => ({
    get(): number {
      return readSize(this.$$window, this.$$offset + at, slot);
    },
    set(value): void {
      writeSize(this.$$window, this.$$offset + at, value, slot);
    },
  }),
  bool: (at, slot) => ({
    get(): boolean {
      return this.$$window.getUint8(this.$$offset + at) !== 0;
    },
    set(value): void {
      const window = this.$$window;
      const place = this.$$offset + at;
      checkBool(value, slot);
      window.setUint8(place, value ? 1 : 0);
    },
  }),
};

/** The property for a number. */
export function scalarAccessor(scalar: ScalarName, at: number, slot: Slot): Accessor<unknown> {
  return makers[scalar](at, slot) as Accessor<unknown>;
}
