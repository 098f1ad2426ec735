/** An index of 200 000 records, sorted by one of their fields. */
import { fields } from "../../mod.ts";
import { fillRecords, Item, plainRecords, recordsOfPeer, SIZE, viewByHand, X } from "./records.ts";
import {
  byHand,
  cursor,
  functions,
  peer,
  plain,
  shuffled,
  views,
  type Workload,
} from "./workload.ts";

export const indexSort: Workload = {
  name: "index sort",
  size: 200_000,
  allocates: false,
  create(pool, count) {
    const objects = plainRecords(count);
    const view = viewByHand(pool, fillRecords(pool, count), count * SIZE);
    const records = recordsOfPeer(pool, count);
    const items = fillRecords(pool, count);
    const [one, other] = [new Item(pool, items), new Item(pool, items)];
    const { x } = fields(Item, pool);
    const start = shuffled(count);
    const index = new Uint32Array(count);
    /** A number that says where in the index each record is. */
    const proof = (): number =>
      index.reduce((sum, record, i) => (sum * 31 + record * i) % 65_521, 7);
    return {
      [plain]: {
        run() {
          index.set(start);
          index.sort((a, b) => objects[a]!.x - objects[b]!.x);
          return proof();
        },
      },
      [byHand]: {
        run() {
          index.set(start);
          index.sort((a, b) =>
            view.getFloat64(a * SIZE + X, true) - view.getFloat64(b * SIZE + X, true)
          );
          return proof();
        },
      },
      [views]: {
        run() {
          index.set(start);
          index.sort((a, b) =>
            new Item(pool, items + a * SIZE).x - new Item(pool, items + b * SIZE).x
          );
          return proof();
        },
      },
      [cursor]: {
        run() {
          index.set(start);
          index.sort((a, b) => one.move(items + a * SIZE).x - other.move(items + b * SIZE).x);
          return proof();
        },
      },
      [functions]: {
        run() {
          index.set(start);
          index.sort((a, b) => x(items + a * SIZE) - x(items + b * SIZE));
          return proof();
        },
      },
      [peer]: {
        run() {
          index.set(start);
          index.sort((a, b) => records.getView(a)!.get("x")! - records.getView(b)!.get("x")!);
          return proof();
        },
      },
    };
  },
};
