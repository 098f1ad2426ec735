/** What is measured from TypeScript of a pool's contents: bytes between pointers, text and columns. See suites.ts. */
import { Buffer } from "node:buffer";
import type { Pool } from "../mod.ts";
import type { Candidate, Suites } from "./suites.ts";

/** The suites, on a pool that the caller closes when it is done with them. */
export function createDataSuites(pool: Pool): Suites {
  return {
    "copy of 4 KiB": copies(pool),
    "fill of 4 KiB": fills(pool),
    "4 bytes in 64 KiB": searches(pool),
    "text of 24 bytes": texts(pool),
    "sum over 10 000 records": sums(pool),
  };
}

/** The same call, round after round; each proves by its result. */
function repeat(call: () => number): Candidate {
  return (rounds) => {
    let sum = 0;
    for (let i = 0; i < rounds; i++) sum += call();
    return sum;
  };
}

const page = 4096;

function copies(pool: Pool): Record<string, Candidate> {
  const [to, from] = [pool.calloc(1, page), pool.calloc(1, page)];
  const [target, source] = [new Uint8Array(page), new Uint8Array(page)];
  return {
    "pool.copy": repeat(() => {
      pool.copy(to, from, page);
      return page;
    }),
    "pool.view and set": repeat(() => {
      pool.view(Uint8Array, to, page).set(pool.view(Uint8Array, from, page));
      return page;
    }),
    "set of Uint8Arrays": repeat(() => {
      target.set(source);
      return page;
    }),
  };
}

function fills(pool: Pool): Record<string, Candidate> {
  const at = pool.calloc(1, page);
  const bytes = new Uint8Array(page);
  const doubles = new Float64Array(page / 8);
  const pattern = Float64Array.of(0.1);
  return {
    "pool.fill with a byte": repeat(() => {
      pool.fill(at, 7, page);
      return page;
    }),
    "fill of a Uint8Array": repeat(() => bytes.fill(7).length),
    "pool.fill with a double": repeat(() => {
      pool.fill(at, pattern, page);
      return page;
    }),
    "fill of a Float64Array": repeat(() => doubles.fill(0.1).length * 8),
  };
}

/** Letters of English, roughly as often as they come there, so that some look like the beginning of what is wanted. */
const letters = "etaoin shrdlu cmfwyp";

function searches(pool: Pool): Record<string, Candidate> {
  const length = 65_536;
  const bytes = Buffer.from(
    Array.from(
      { length },
      (_, i) => letters.charCodeAt((i * i * 7 + i * 3) % 251 % letters.length),
    ),
  );
  const wanted = Buffer.from("fox ");
  bytes.set(wanted, length - 4);
  const at = pool.malloc(length);
  pool.write(at, bytes);
  return {
    "pool.find": repeat(() => pool.find(at, length, wanted)),
    "Buffer.indexOf": repeat(() => bytes.indexOf(wanted)),
  };
}

function texts(pool: Pool): Record<string, Candidate> {
  const text = "The quick brown fox jump";
  const at = pool.strdup(text);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  return {
    "strdup and free": repeat(() => {
      pool.free(pool.strdup(text));
      return text.length;
    }),
    "TextEncoder.encode": repeat(() => encoder.encode(text).length),
    "readText": repeat(() => pool.readText(at).length),
    "TextDecoder on a view": repeat(() =>
      decoder.decode(pool.view(Uint8Array, at, text.length)).length
    ),
    "writeText": repeat(() => pool.writeText(at, text, 25)),
  };
}

const records = 10_000;

function sums(pool: Pool): Record<string, Candidate> {
  const columns = pool.columns({ id: "u32", count: "u32", price: "f64" }, records);
  const objects: { id: number; count: number; price: number }[] = [];
  for (let id = 0; id < records; id++) {
    const record = { id, count: id % 10, price: id / 2 };
    objects.push(record);
    columns.id[id] = record.id;
    columns.count[id] = record.count;
    columns.price[id] = record.price;
  }
  return {
    "pool.columns": repeat(() => {
      const { count, price } = columns;
      let sum = 0;
      for (let i = 0; i < records; i++) sum += (count[i] ?? 0) * (price[i] ?? 0);
      return sum;
    }),
    "objects": repeat(() => {
      let sum = 0;
      for (const { count, price } of objects) sum += count * price;
      return sum;
    }),
  };
}
