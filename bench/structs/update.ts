/** Two fields of each of a million records are read and written, in order. */
import { fields } from "../../mod.ts";
import {
  fillRecords,
  Item,
  plainRecords,
  recordsOfPeer,
  SIZE,
  viewByHand,
  VISITS,
  X,
} from "./records.ts";
import {
  byHand,
  cursor,
  functions,
  inParts,
  peer,
  plain,
  views,
  type Workload,
} from "./workload.ts";

/** A number computed from every thousandth record: enough to notice that updates went wrong, too little to be noticed. */
function sample(count: number, at: (i: number) => number): number {
  let proof = 0;
  for (let i = 0; i < count; i += 1000) proof += at(i);
  return proof;
}

export const update: Workload = {
  name: "update",
  size: 1_000_000,
  allocates: false,
  create(pool, count) {
    const objects = plainRecords(count);
    const view = viewByHand(pool, fillRecords(pool, count), count * SIZE);
    const records = recordsOfPeer(pool, count);
    const { visits, setVisits, x, setX } = fields(Item, pool);
    const first = fillRecords(pool, count);
    const second = fillRecords(pool, count);
    const third = fillRecords(pool, count);
    const item = new Item(pool, second);
    const parts: Record<string, () => number> = {
      [plain]: inParts(count, (from, to) => {
        for (let i = from; i < to; i++) {
          const record = objects[i]!;
          record.visits += 1;
          record.x += 0.5;
        }
        return 0;
      }),
      [byHand]: inParts(count, (from, to) => {
        for (let i = from; i < to; i++) {
          const at = i * SIZE;
          view.setUint32(at + VISITS, view.getUint32(at + VISITS, true) + 1, true);
          view.setFloat64(at + X, view.getFloat64(at + X, true) + 0.5, true);
        }
        return 0;
      }),
      [views]: inParts(count, (from, to) => {
        for (let i = from; i < to; i++) {
          const item = new Item(pool, first + i * SIZE);
          item.visits += 1;
          item.x += 0.5;
        }
        return 0;
      }),
      [cursor]: inParts(count, (from, to) => {
        for (let i = from; i < to; i++) {
          item.move(second + i * SIZE);
          item.visits += 1;
          item.x += 0.5;
        }
        return 0;
      }),
      [functions]: inParts(count, (from, to) => {
        for (let i = from; i < to; i++) {
          const item = third + i * SIZE;
          setVisits(item, visits(item) + 1);
          setX(item, x(item) + 0.5);
        }
        return 0;
      }),
      [peer]: inParts(count, (from, to) => {
        for (let i = from; i < to; i++) {
          const record = records.getView(i)!;
          record.set("visits", record.get("visits")! + 1);
          record.set("x", record.get("x")! + 0.5);
        }
        return 0;
      }),
    };
    /** What a record has become: `x` and `visits` added up. */
    const results: Record<string, (i: number) => number> = {
      [plain]: (i) => objects[i]!.x + objects[i]!.visits,
      [byHand]: (i) =>
        view.getFloat64(i * SIZE + X, true) + view.getUint32(i * SIZE + VISITS, true),
      [views]: (i) => x(first + i * SIZE) + visits(first + i * SIZE),
      [cursor]: (i) => x(second + i * SIZE) + visits(second + i * SIZE),
      [functions]: (i) => x(third + i * SIZE) + visits(third + i * SIZE),
      [peer]: (i) => records.get(i)!.x + records.get(i)!.visits,
    };
    return Object.fromEntries(
      Object.entries(parts).map(([name, part]) => [name, {
        run() {
          part();
          return sample(count, results[name]!);
        },
      }]),
    );
  },
};
