/** Records one after the other in a block, for the workloads that read and write their fields. */
import { View } from "structurae";
import { type Pointer, type Pool, struct } from "../../mod.ts";
import { randomNumbers } from "./workload.ts";

export interface PlainRecord {
  id: number;
  visits: number;
  x: number;
  y: number;
  stamp: number;
}

export const Item = struct({ id: "u32", visits: "u32", x: "f64", y: "f64", stamp: "f64" });

/** Bytes of a record, and where its fields are. */
export const SIZE = 32;
export const VISITS = 4;
export const X = 8;
export const Y = 16;
const STAMP = 24;

/** What structurae makes its views from. */
const schema = {
  $id: "Record",
  type: "object",
  properties: {
    id: { type: "integer", btype: "uint32" },
    visits: { type: "integer", btype: "uint32" },
    x: { type: "number" },
    y: { type: "number" },
    stamp: { type: "number" },
  },
} as const;

const Records = new View().create<PlainRecord[]>({ type: "array", items: schema });

/** A block of `count` records in the pool, filled as `plainRecords` are. */
export function fillRecords(pool: Pool, count: number): Pointer {
  const at = pool.malloc(count * SIZE);
  const bytes = pool.view(Uint8Array, at, count * SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const [i, { id, visits, x, y, stamp }] of plainRecords(count).entries()) {
    view.setUint32(i * SIZE, id, true);
    view.setUint32(i * SIZE + VISITS, visits, true);
    view.setFloat64(i * SIZE + X, x, true);
    view.setFloat64(i * SIZE + Y, y, true);
    view.setFloat64(i * SIZE + STAMP, stamp, true);
  }
  return at;
}

export function plainRecords(count: number): PlainRecord[] {
  return Array.from(randomNumbers(count), (random, i): PlainRecord => ({
    id: i,
    visits: 0,
    x: random / 2 ** 20,
    y: random % 1000 + 0.5,
    stamp: i + 0.25,
  }));
}

/** A view over one block, as one makes it by hand. */
export function viewByHand(pool: Pool, at: Pointer, bytes: number): DataView<ArrayBuffer> {
  const array = pool.view(Uint8Array, at, bytes);
  return new DataView(array.buffer, array.byteOffset, bytes);
}

/** Records that structurae reaches. */
export function recordsOfPeer(pool: Pool, count: number): InstanceType<typeof Records> {
  const at = fillRecords(pool, count);
  const bytes = pool.view(Uint8Array, at, count * SIZE);
  return new Records(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
