/**
 * A window without a buffer: every access is a native call. It costs what a picked window does for one field, and none of
 * the engine's memory.
 *
 * @module
 */
import * as native from "../native.ts";
import type { Space } from "./space.ts";
import { type TextBytes, textBytes } from "../utf8.ts";
import { checkOffset, endOf, originOf, span, type Window } from "./window.ts";

/** One value on its way. */
const bytes = new Uint8Array(8);
const value = new DataView(bytes.buffer);
const one = bytes.subarray(0, 1);
const two = bytes.subarray(0, 2);
const four = bytes.subarray(0, 4);

export class NativeWindow implements Window {
  readonly space: Space;
  readonly start: number;
  readonly low: number;
  readonly limit: number;
  readonly reach: number;
  readonly word: number;
  readonly high: number;
  readonly origin: number;
  readonly end: number;
  readonly bytes = undefined;

  /**
   * @param space What it is a window of.
   * @param start Where in the pool it begins.
   * @param limit Bytes.
   */
  constructor(space: Space, start: number, limit: number) {
    this.space = space;
    this.start = start;
    this.low = Math.max(0, space.low - start);
    this.limit = limit;
    this.reach = Math.min(limit, span);
    this.word = start | 0;
    this.high = space.highOf(start);
    this.origin = originOf(start);
    this.end = endOf(space, start);
  }

  copy(offset: number, length: number): TextBytes {
    const copy = textBytes(new ArrayBuffer(length));
    this.#get(offset, copy);
    return copy;
  }

  store(offset: number, source: TextBytes): void {
    this.#set(offset, source);
  }

  getUint8(offset: number): number {
    this.#get(offset, one);
    return value.getUint8(0);
  }

  getInt8(offset: number): number {
    this.#get(offset, one);
    return value.getInt8(0);
  }

  getUint16(offset: number): number {
    this.#get(offset, two);
    return value.getUint16(0, true);
  }

  getInt16(offset: number): number {
    this.#get(offset, two);
    return value.getInt16(0, true);
  }

  getUint32(offset: number): number {
    this.#get(offset, four);
    return value.getUint32(0, true);
  }

  getInt32(offset: number): number {
    this.#get(offset, four);
    return value.getInt32(0, true);
  }

  getFloat16(offset: number): number {
    this.#get(offset, two);
    return value.getFloat16(0, true);
  }

  getFloat32(offset: number): number {
    this.#get(offset, four);
    return value.getFloat32(0, true);
  }

  getFloat64(offset: number): number {
    this.#get(offset, bytes);
    return value.getFloat64(0, true);
  }

  getBigUint64(offset: number): bigint {
    this.#get(offset, bytes);
    return value.getBigUint64(0, true);
  }

  getBigInt64(offset: number): bigint {
    this.#get(offset, bytes);
    return value.getBigInt64(0, true);
  }

  setUint8(offset: number, number: number): void {
    value.setUint8(0, number);
    this.#set(offset, one);
  }

  setInt8(offset: number, number: number): void {
    value.setInt8(0, number);
    this.#set(offset, one);
  }

  setUint16(offset: number, number: number): void {
    value.setUint16(0, number, true);
    this.#set(offset, two);
  }

  setInt16(offset: number, number: number): void {
    value.setInt16(0, number, true);
    this.#set(offset, two);
  }

  setUint32(offset: number, number: number): void {
    value.setUint32(0, number, true);
    this.#set(offset, four);
  }

  setInt32(offset: number, number: number): void {
    value.setInt32(0, number, true);
    this.#set(offset, four);
  }

  setFloat16(offset: number, number: number): void {
    value.setFloat16(0, number, true);
    this.#set(offset, two);
  }

  setFloat32(offset: number, number: number): void {
    value.setFloat32(0, number, true);
    this.#set(offset, four);
  }

  setFloat64(offset: number, number: number): void {
    value.setFloat64(0, number, true);
    this.#set(offset, bytes);
  }

  setBigUint64(offset: number, number: bigint): void {
    value.setBigUint64(0, number, true);
    this.#set(offset, bytes);
  }

  setBigInt64(offset: number, number: bigint): void {
    value.setBigInt64(0, number, true);
    this.#set(offset, bytes);
  }

  #get(offset: number, into: Uint8Array): void {
    checkOffset(offset);
    const { memory } = this.space;
    const status = native.read(memory.handle, this.start + offset, into, into.length);
    if (status !== 0) memory.refuse(status, "Cannot read a struct");
  }

  #set(offset: number, from: Uint8Array): void {
    checkOffset(offset);
    const { memory } = this.space;
    const status = native.write(memory.handle, this.start + offset, from, from.length);
    if (status !== 0) memory.refuse(status, "Cannot write a struct");
  }
}
