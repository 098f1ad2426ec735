/** What the soak's workers do with structs and columns. */
import { fields, type Pointer, pointer, type Pool, string, struct } from "../../mod.ts";
import type { Random } from "../ts/support.ts";

const Item = struct({ key: "u32", square: "f64", name: string(), next: pointer(() => Item) });

/** A list grows from its end, so that what was made is known when there is no more memory. */
export function makeList(pool: Pool, lists: Pointer[], random: Random): void {
  const index = lists.push(0 as Pointer) - 1;
  for (let left = random.below(10); left >= 0; left -= 1) {
    const key = random.below(1_000_000);
    const item = pool.make(Item, { key, square: key * key, name: `item ${key}` });
    item.$next = lists[index] ?? 0 as Pointer;
    lists[index] = item.$pointer;
  }
}

/** By the three faces: functions, a moved view, and new views, which it frees. */
export function freeList(pool: Pool, first: Pointer): void {
  const { key, next } = fields(Item, pool);
  const cursor = first === 0 ? undefined : new Item(pool, first);
  for (let at = first; at !== 0;) {
    const item = new Item(pool, at);
    const right = cursor?.move(at).key === key(at) && item.square === key(at) ** 2 &&
      item.name === `item ${key(at)}` && item.$next === next(at);
    pool.owns(at); // of a closed pool all is zero: that is no defect, and throws
    if (!right) throw new Error(`The item at ${at} is not what it was`);
    at = item.$next;
    pool.free(item);
  }
}

/** Makes columns, resizes them, looks at them and frees them. */
export function useColumns(pool: Pool, random: Random): void {
  let columns = pool.columns({ id: "u32", price: "f64", flag: "u8" }, 1 + random.below(2000));
  try {
    const kept = Math.min(columns.id.length, 1 + random.below(4000));
    columns.id.forEach((_, index) => columns.id[index] = index);
    columns.price.fill(0.5);
    columns = pool.resize(columns, kept + random.below(2) * random.below(3000));
    const all = Math.min(kept, columns.id.length);
    const right = columns.id.subarray(0, all).every((id, index) => id === index) &&
      columns.price.subarray(0, all).every((price) => price === 0.5) &&
      columns.flag.every((flag) => flag === 0);
    pool.owns(0); // throws if the pool was closed
    if (!right) throw new Error(`Columns of ${columns.id.length} are not what they were`);
  } finally {
    pool.free(columns);
  }
}
