// Longer than 300 lines: the same work seven times, each written out as a program would have it.
/** A hash table with open addressing: a million numbers are put in, then each is looked up. */
import { View } from "structurae";
import { fields, type Pointer, type Pool, struct } from "../../mod.ts";
import { viewByHand } from "./records.ts";
import {
  byHand,
  type Candidate,
  cursor,
  functions,
  inParts,
  peer,
  plain,
  randomNumbers,
  shuffled,
  views,
  type Workload,
} from "./workload.ts";

/** An entry is free while its key is 0. */
interface Plain {
  readonly key: number;
  readonly value: number;
}

const Entry = struct({ key: "u32", value: "f64" });

/** Bytes of an entry, and where its value is. */
const SIZE = 16;
const VALUE = 8;

const Entries = new View().create<(Plain & { readonly unused: number })[]>({
  type: "array",
  items: {
    $id: "Entry",
    type: "object",
    properties: {
      key: { type: "integer", btype: "uint32" },
      unused: { type: "integer", btype: "uint32" },
      value: { type: "number" },
    },
  },
});

/** What is put in and in which order it is looked up, and the table's size. */
interface Work {
  readonly count: number;
  readonly keys: Uint32Array;
  readonly order: Uint32Array;
  /** Entries of the table, a power of two, less 1. */
  readonly mask: number;
  /** Bits of a hash that do not count. */
  readonly shift: number;
}

interface PoolWork extends Work {
  readonly pool: Pool;
}

function workOf(count: number): Work {
  const bits = Math.ceil(Math.log2(count * 2));
  const [keys, order] = [distinctKeys(count), shuffled(count)];
  return { count, keys, order, mask: 2 ** bits - 1, shift: 32 - bits };
}

/** Keys are not 0 and stay below 2^31: larger ones are slow to read in Bun. */
function distinctKeys(count: number): Uint32Array {
  const keys = new Set<number>();
  for (let more = count; keys.size < count; more *= 2) {
    for (const key of randomNumbers(more + 1000)) {
      if (key !== 0 && keys.size < count) keys.add(key);
    }
  }
  return Uint32Array.from(keys);
}

/** Fibonacci hashing: the high bits of a product. */
function bucketOf(key: number, shift: number): number {
  return Math.imul(key, 0x9e3779b1) >>> shift;
}

export const hashTable: Workload = {
  name: "hash table",
  size: 1_000_000,
  allocates: true,
  alone(count) {
    const work = workOf(count);
    return { [plain]: plainTable(work), Map: map(work) };
  },
  create(pool, count) {
    const work = { ...workOf(count), pool };
    return {
      [byHand]: tableByHand(work),
      [views]: tableOfViews(work),
      [cursor]: tableByCursor(work),
      [functions]: tableByFunctions(work),
      [peer]: tableOfPeer(work),
    };
  },
};

function plainTable({ count, keys, order, mask, shift }: Work): Candidate {
  let entries: (Plain | undefined)[] = [];
  const put = inParts(count, (from, to) => {
    const table = entries;
    for (let i = from; i < to; i++) {
      const key = keys[i]!;
      let bucket = bucketOf(key, shift);
      while (table[bucket] !== undefined) bucket = (bucket + 1) & mask;
      table[bucket] = { key, value: i + 0.5 };
    }
    return 0;
  });
  const get = inParts(count, (from, to) => {
    const table = entries;
    let sum = 0;
    for (let i = from; i < to; i++) {
      const key = keys[order[i]!]!;
      let bucket = bucketOf(key, shift);
      let entry = table[bucket]!;
      while (entry.key !== key) {
        bucket = (bucket + 1) & mask;
        entry = table[bucket]!;
      }
      sum += entry.value;
    }
    return sum;
  });
  return {
    run() {
      entries = new Array<Plain | undefined>(mask + 1).fill(undefined);
      put();
      const sum = get();
      entries = [];
      return sum;
    },
  };
}

function map({ count, keys, order }: Work): Candidate {
  let entries = new Map<number, number>();
  const put = inParts(count, (from, to) => {
    for (let i = from; i < to; i++) entries.set(keys[i]!, i + 0.5);
    return 0;
  });
  const get = inParts(count, (from, to) => {
    let sum = 0;
    for (let i = from; i < to; i++) sum += entries.get(keys[order[i]!]!)!;
    return sum;
  });
  return {
    run() {
      put();
      const sum = get();
      entries = new Map();
      return sum;
    },
  };
}

/** Runs a candidate on a new table of zeros. */
function onTable(
  { pool, mask }: PoolWork,
  put: (table: Pointer) => void,
  get: (table: Pointer) => number,
): Candidate {
  return {
    run() {
      const table = pool.calloc(mask + 1, SIZE);
      put(table);
      const sum = get(table);
      pool.free(table);
      return sum;
    },
  };
}

function tableByHand(work: PoolWork): Candidate {
  const { pool, count, keys, order, mask, shift } = work;
  let view = new DataView(new ArrayBuffer(0));
  const put = inParts(count, (from, to) => {
    const table = view;
    for (let i = from; i < to; i++) {
      const key = keys[i]!;
      let bucket = bucketOf(key, shift);
      while (table.getUint32(bucket * SIZE, true) !== 0) bucket = (bucket + 1) & mask;
      table.setUint32(bucket * SIZE, key, true);
      table.setFloat64(bucket * SIZE + VALUE, i + 0.5, true);
    }
    return 0;
  });
  const get = inParts(count, (from, to) => {
    const table = view;
    let sum = 0;
    for (let i = from; i < to; i++) {
      const key = keys[order[i]!]!;
      let bucket = bucketOf(key, shift);
      while (table.getUint32(bucket * SIZE, true) !== key) bucket = (bucket + 1) & mask;
      sum += table.getFloat64(bucket * SIZE + VALUE, true);
    }
    return sum;
  });
  return onTable(work, (table) => {
    view = viewByHand(pool, table, (mask + 1) * SIZE);
    put();
  }, get);
}

function tableOfViews(work: PoolWork): Candidate {
  const { pool, count, keys, order, mask, shift } = work;
  let base = 0;
  const put = inParts(count, (from, to) => {
    const table = base;
    for (let i = from; i < to; i++) {
      const key = keys[i]!;
      let bucket = bucketOf(key, shift);
      let entry = new Entry(pool, table + bucket * SIZE);
      while (entry.key !== 0) {
        bucket = (bucket + 1) & mask;
        entry = new Entry(pool, table + bucket * SIZE);
      }
      entry.key = key;
      entry.value = i + 0.5;
    }
    return 0;
  });
  const get = inParts(count, (from, to) => {
    const table = base;
    let sum = 0;
    for (let i = from; i < to; i++) {
      const key = keys[order[i]!]!;
      let bucket = bucketOf(key, shift);
      let entry = new Entry(pool, table + bucket * SIZE);
      while (entry.key !== key) {
        bucket = (bucket + 1) & mask;
        entry = new Entry(pool, table + bucket * SIZE);
      }
      sum += entry.value;
    }
    return sum;
  });
  return onTable(work, (table) => {
    base = table;
    put();
  }, get);
}

function tableByCursor(work: PoolWork): Candidate {
  const { pool, count, keys, order, mask, shift } = work;
  const spare = pool.make(Entry); // what the cursor is made of; it moves on at once
  const entry = new Entry(pool, spare.$pointer);
  let base = 0;
  const put = inParts(count, (from, to) => {
    const table = base;
    for (let i = from; i < to; i++) {
      const key = keys[i]!;
      let bucket = bucketOf(key, shift);
      while (entry.move(table + bucket * SIZE).key !== 0) bucket = (bucket + 1) & mask;
      entry.key = key;
      entry.value = i + 0.5;
    }
    return 0;
  });
  const get = inParts(count, (from, to) => {
    const table = base;
    let sum = 0;
    for (let i = from; i < to; i++) {
      const key = keys[order[i]!]!;
      let bucket = bucketOf(key, shift);
      while (entry.move(table + bucket * SIZE).key !== key) bucket = (bucket + 1) & mask;
      sum += entry.value;
    }
    return sum;
  });
  return onTable(work, (table) => {
    base = table;
    put();
  }, get);
}

function tableByFunctions(work: PoolWork): Candidate {
  const { pool, count, keys, order, mask, shift } = work;
  const { key, setKey, value, setValue } = fields(Entry, pool);
  let base = 0;
  const put = inParts(count, (from, to) => {
    const table = base;
    for (let i = from; i < to; i++) {
      const wanted = keys[i]!;
      let bucket = bucketOf(wanted, shift);
      while (key(table + bucket * SIZE) !== 0) bucket = (bucket + 1) & mask;
      setKey(table + bucket * SIZE, wanted);
      setValue(table + bucket * SIZE, i + 0.5);
    }
    return 0;
  });
  const get = inParts(count, (from, to) => {
    const table = base;
    let sum = 0;
    for (let i = from; i < to; i++) {
      const wanted = keys[order[i]!]!;
      let bucket = bucketOf(wanted, shift);
      while (key(table + bucket * SIZE) !== wanted) bucket = (bucket + 1) & mask;
      sum += value(table + bucket * SIZE);
    }
    return sum;
  });
  return onTable(work, (table) => {
    base = table;
    put();
  }, get);
}

function tableOfPeer(work: PoolWork): Candidate {
  const { pool, count, keys, order, mask, shift } = work;
  let entries = new Entries(new ArrayBuffer(SIZE));
  const put = inParts(count, (from, to) => {
    const table = entries;
    for (let i = from; i < to; i++) {
      const key = keys[i]!;
      let bucket = bucketOf(key, shift);
      let entry = table.getView(bucket)!;
      while (entry.get("key") !== 0) {
        bucket = (bucket + 1) & mask;
        entry = table.getView(bucket)!;
      }
      entry.set("key", key);
      entry.set("value", i + 0.5);
    }
    return 0;
  });
  const get = inParts(count, (from, to) => {
    const table = entries;
    let sum = 0;
    for (let i = from; i < to; i++) {
      const key = keys[order[i]!]!;
      let bucket = bucketOf(key, shift);
      let entry = table.getView(bucket)!;
      while (entry.get("key") !== key) {
        bucket = (bucket + 1) & mask;
        entry = table.getView(bucket)!;
      }
      sum += entry.get("value")!;
    }
    return sum;
  });
  return onTable(work, (table) => {
    const bytes = pool.view(Uint8Array, table, (mask + 1) * SIZE);
    entries = new Entries(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    put();
  }, get);
}
