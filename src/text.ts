/**
 * Words in messages, and text for the native side.
 *
 * @module
 */

const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** A value as it stands in a message: strings quoted, large things named. */
export function show(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
    case "bigint":
      return `${value}n`;
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "function":
      return value.name === "" ? "a function" : `the function ${value.name}`;
    case "object":
      return value === null ? "null" : showObject(value);
    default:
      return String(value);
  }
}

function showObject(value: object): string {
  const name = Object.prototype.toString.call(value).slice("[object ".length, -1);
  return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
}

/** A number of bytes as it stands in a message: "1 byte", "1000 bytes", "64 MiB". */
export function showBytes(bytes: number): string {
  if (bytes === 1) return "1 byte";
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value} ${units[unit]}`;
}

const shortUnits = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** A count with its thousands apart: "1,234,567". */
export function readableCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Bytes with three digits or so: "112 B", "1.21 MiB". */
export function readableBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < shortUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${shortUnits[unit]}`;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Text as UTF-8. */
export function encode(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** What a native function wrote: it says how long the text is, of which `length` bytes were asked for. */
export function readText(write: (out: Uint8Array, capacity: number) => number): string {
  const out = new Uint8Array(4608);
  return decoder.decode(out.subarray(0, write(out, out.length)));
}
