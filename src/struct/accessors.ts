/**
 * The properties of views: for each number type a getter and a setter, closed over the place of the field.
 *
 * One function literal a type, although they look alike: an engine compiles a literal once, with what it has seen in it.
 *
 * @module
 */
import type { ScalarName, Slot } from "./layout.ts";
import type { Scalars } from "./types.ts";
import {
  readBool,
  readF16,
  readF32,
  readF64,
  readI16,
  readI32,
  readI64,
  readI8,
  readSize,
  readU16,
  readU32,
  readU64,
  readU8,
  writeBool,
  writeF16,
  writeF32,
  writeF64,
  writeI16,
  writeI32,
  writeI64,
  writeI8,
  writeSize,
  writeU16,
  writeU32,
  writeU64,
  writeU8,
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
      return readU8(this.$$window, this.$$offset + at);
    },
    set(value): void {
      writeU8(this.$$window, this.$$offset + at, value, slot);
    },
  }),
  i8: (at, slot) => ({
    get(): number {
      return readI8(this.$$window, this.$$offset + at);
    },
    set(value): void {
      writeI8(this.$$window, this.$$offset + at, value, slot);
    },
  }),
  u16: (at, slot) => ({
    get(): number {
      return readU16(this.$$window, this.$$offset + at);
    },
    set(value): void {
      writeU16(this.$$window, this.$$offset + at, value, slot);
    },
  }),
  i16: (at, slot) => ({
    get(): number {
      return readI16(this.$$window, this.$$offset + at);
    },
    set(value): void {
      writeI16(this.$$window, this.$$offset + at, value, slot);
    },
  }),
  u32: (at, slot) => ({
    get(): number {
      return readU32(this.$$window, this.$$offset + at);
    },
    set(value): void {
      writeU32(this.$$window, this.$$offset + at, value, slot);
    },
  }),
  i32: (at, slot) => ({
    get(): number {
      return readI32(this.$$window, this.$$offset + at);
    },
    set(value): void {
      writeI32(this.$$window, this.$$offset + at, value, slot);
    },
  }),
  f16: (at, slot) => ({
    get(): number {
      return readF16(this.$$window, this.$$offset + at);
    },
    set(value): void {
      writeF16(this.$$window, this.$$offset + at, value, slot);
    },
  }),
  f32: (at, slot) => ({
    get(): number {
      return readF32(this.$$window, this.$$offset + at);
    },
    set(value): void {
      writeF32(this.$$window, this.$$offset + at, value, slot);
    },
  }),
  f64: (at, slot) => ({
    get(): number {
      return readF64(this.$$window, this.$$offset + at);
    },
    set(value): void {
      writeF64(this.$$window, this.$$offset + at, value, slot);
    },
  }),
  u64: (at, slot) => ({
    get(): bigint {
      return readU64(this.$$window, this.$$offset + at);
    },
    set(value): void {
      writeU64(this.$$window, this.$$offset + at, value, slot);
    },
  }),
  i64: (at, slot) => ({
    get(): bigint {
      return readI64(this.$$window, this.$$offset + at);
    },
    set(value): void {
      writeI64(this.$$window, this.$$offset + at, value, slot);
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
      return readBool(this.$$window, this.$$offset + at);
    },
    set(value): void {
      writeBool(this.$$window, this.$$offset + at, value, slot);
    },
  }),
};

/** The property for a number. */
export function scalarAccessor(scalar: ScalarName, at: number, slot: Slot): Accessor<unknown> {
  return makers[scalar](at, slot) as Accessor<unknown>;
}
