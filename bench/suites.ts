/**
 * What is measured from TypeScript, the same on Deno and on Bun: `suites[SUITE][CANDIDATE](rounds)`. Rounds are
 * in the function, since one alone is too short to be timed. The result is a proof of the work done, and all
 * candidates of a suite must return the same.
 */
import { existsSync } from "node:fs";
import { type Pointer, Pool } from "../mod.ts";
import { bareFree, bareMalloc } from "./bare.ts";
import { createDataSuites } from "./data_suites.ts";
import { memoryDirectory } from "./peers.ts";

/** Does its work `rounds` times. */
export type Candidate = (rounds: number) => number;

export type Suites = Readonly<Record<string, Readonly<Record<string, Candidate>>>>;

/** The suites, on a pool that the caller closes when it is done with them. */
export function createSuites(pool: Pool): Suites {
  return {
    "64 bytes": pairs(pool),
    "64 bytes, 256 at once": bulk(pool),
    "array of 8 doubles": arrays(pool),
    "window on 64 bytes": windows(pool),
    "a new pool on tmpfs": pools(),
    ...createDataSuites(pool),
  };
}

function pairs(pool: Pool): Record<string, Candidate> {
  return {
    "malloc and free": (rounds) => {
      let bytes = 0;
      for (let i = 0; i < rounds; i++) {
        const pointer = pool.malloc(64);
        if (pointer > 0) bytes += 64;
        pool.free(pointer);
      }
      return bytes;
    },
    "two bare FFI calls": (rounds) => {
      let bytes = 0;
      for (let i = 0; i < rounds; i++) {
        const result = bareMalloc(1, 64);
        if (result > 0) bytes += 64;
        bareFree(1, result);
      }
      return bytes;
    },
    "new Uint8Array(64)": (rounds) => {
      let bytes = 0;
      for (let i = 0; i < rounds; i++) bytes += keep(new Uint8Array(64)).length;
      return bytes;
    },
    "object of 8 fields": (rounds) => {
      let bytes = 0;
      for (let i = 0; i < rounds; i++) {
        bytes += keep({ a: 64, b: i, c: i, d: i, e: i, f: i, g: i, h: i }).a;
      }
      return bytes;
    },
  };
}

const MANY = 256;

function bulk(pool: Pool): Record<string, Candidate> {
  const pointers: Pointer[] = [];
  return {
    "mallocMany and freeMany": (rounds) => {
      let blocks = 0;
      for (let i = 0; i < rounds; i++) {
        const many = pool.mallocMany(64, MANY);
        blocks += many.length;
        pool.freeMany(many);
      }
      return blocks;
    },
    "malloc and free in loops": (rounds) => {
      let blocks = 0;
      for (let i = 0; i < rounds; i++) {
        for (let j = 0; j < MANY; j++) pointers.push(pool.malloc(64));
        blocks += pointers.length;
        for (const pointer of pointers) pool.free(pointer);
        pointers.length = 0;
      }
      return blocks;
    },
  };
}

function arrays(pool: Pool): Record<string, Candidate> {
  return {
    "alloc and free": (rounds) => {
      let length = 0;
      for (let i = 0; i < rounds; i++) {
        const array = pool.alloc(Float64Array, 8);
        length += array.length;
        pool.free(array);
      }
      return length;
    },
    "new Float64Array(8)": (rounds) => {
      let length = 0;
      for (let i = 0; i < rounds; i++) length += keep(new Float64Array(8)).length;
      return length;
    },
    "new Array(8).fill(0)": (rounds) => {
      let length = 0;
      for (let i = 0; i < rounds; i++) length += keep(new Array<number>(8).fill(0)).length;
      return length;
    },
  };
}

function windows(pool: Pool): Record<string, Candidate> {
  const pointer = pool.calloc(1, 64);
  const buffer = new ArrayBuffer(1 << 20);
  const bytes = new Uint8Array(64);
  return {
    "pool.view": (rounds) => {
      let length = 0;
      for (let i = 0; i < rounds; i++) length += pool.view(Uint8Array, pointer, 64).length;
      return length;
    },
    "new Uint8Array of an ArrayBuffer": (rounds) => {
      let length = 0;
      for (let i = 0; i < rounds; i++) length += keep(new Uint8Array(buffer, 4096, 64)).length;
      return length;
    },
    "pool.write": (rounds) => {
      let length = 0;
      for (let i = 0; i < rounds; i++) {
        pool.write(pointer, bytes);
        length += bytes.length;
      }
      return length;
    },
  };
}

/** In main memory if there is such a directory: on a disk, other programs' writes would be measured. */
function pools(): Record<string, Candidate> {
  const where = existsSync(memoryDirectory) ? { dir: memoryDirectory } : {};
  const createAndClose = (maxSize: "64MiB" | "1GiB" | "1TiB"): Candidate => (rounds) => {
    let created = 0;
    for (let i = 0; i < rounds; i++) {
      using pool = Pool.create({ ...where, maxSize });
      if (pool instanceof Pool) created++;
    }
    return created;
  };
  return {
    "create and close, up to 64 MiB": createAndClose("64MiB"),
    "create and close, up to 1 GiB": createAndClose("1GiB"),
    "create and close, up to 1 TiB": createAndClose("1TiB"),
  };
}

/** Where objects go that would not be made at all if nobody could see them. */
let kept: unknown;

function keep<T>(value: T): T {
  kept = value;
  return value;
}

/** The last value kept; reading it somewhere is what makes keeping it necessary. */
export function lastKept(): unknown {
  return kept;
}
