/**
 * What the language itself knows of arrays and buffers. An array can have own properties called `byteLength` or `buffer`,
 * and a subclass can say anything; native code that was told such a length would read past the array's memory. So whatever
 * reaches native code, or decides whose memory it is, is asked of the getters of the language, taken before anybody could
 * replace them.
 *
 * @module
 */
const arrays: object = Object.getPrototypeOf(Uint8Array.prototype);

function getter<T>(of: object, name: PropertyKey): (this: unknown) => T {
  return Object.getOwnPropertyDescriptor(of, name)?.get as (this: unknown) => T;
}

const arrayTag = getter<string | undefined>(arrays, Symbol.toStringTag);
const arrayBytes = getter<number>(arrays, "byteLength");
const arrayOffset = getter<number>(arrays, "byteOffset");
const arrayBuffer = getter<ArrayBufferLike>(arrays, "buffer");
const viewBytes = getter<number>(DataView.prototype, "byteLength");
const viewOffset = getter<number>(DataView.prototype, "byteOffset");
const viewBuffer = getter<ArrayBufferLike>(DataView.prototype, "buffer");
const bufferBytes = getter<number>(ArrayBuffer.prototype, "byteLength");
const bufferDetached = getter<boolean>(ArrayBuffer.prototype, "detached");
const { transfer } = ArrayBuffer.prototype;

/** The name of a typed array's kind, for example "Float64Array"; undefined for everything else, a `DataView` too. */
export function kindOf(value: unknown): string | undefined {
  return arrayTag.call(value);
}

/** Bytes of a typed array. TypeError: it is none. */
export function byteLengthOf(array: unknown): number {
  return arrayBytes.call(array);
}

/** Where in its buffer a typed array begins. TypeError: it is none. */
export function byteOffsetOf(array: unknown): number {
  return arrayOffset.call(array);
}

/** The buffer of a typed array. TypeError: it is none. */
export function bufferOf(array: unknown): ArrayBufferLike {
  return arrayBuffer.call(array);
}

/** The bytes of a `DataView` as a typed array, which all FFIs take. TypeError: it is none, or has no memory any more. */
export function bytesOfView(view: DataView): Uint8Array {
  return new Uint8Array(viewBuffer.call(view), viewOffset.call(view), viewBytes.call(view));
}

/** Bytes of a buffer; undefined: it is shared memory. */
export function bufferLength(buffer: ArrayBufferLike): number | undefined {
  try {
    return bufferBytes.call(buffer);
  } catch {
    return undefined;
  }
}

/** Whether a buffer's memory was taken away, which shared memory never is. */
export function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    return bufferDetached.call(buffer);
  } catch {
    return false;
  }
}

/** Takes a buffer's memory away, and throws what the engine throws. */
export function takeMemory(buffer: ArrayBuffer): void {
  transfer.call(buffer, 0);
}
