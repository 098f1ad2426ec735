/** One field of a million records added up, in order. */
import { fields } from "../../mod.ts";
import { fillRecords, Item, plainRecords, recordsOfPeer, SIZE, viewByHand, Y } from "./records.ts";
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

export const sum: Workload = {
  name: "sum",
  size: 1_000_000,
  allocates: false,
  create(pool, count) {
    const objects = plainRecords(count);
    const view = viewByHand(pool, fillRecords(pool, count), count * SIZE);
    const records = recordsOfPeer(pool, count);
    const items = fillRecords(pool, count);
    const item = new Item(pool, items);
    const { y } = fields(Item, pool);
    return {
      [plain]: {
        run: inParts(count, (from, to) => {
          let sum = 0;
          for (let i = from; i < to; i++) sum += objects[i]!.y;
          return sum;
        }),
      },
      [byHand]: {
        run: inParts(count, (from, to) => {
          let sum = 0;
          for (let i = from; i < to; i++) sum += view.getFloat64(i * SIZE + Y, true);
          return sum;
        }),
      },
      [views]: {
        run: inParts(count, (from, to) => {
          let sum = 0;
          for (let i = from; i < to; i++) sum += new Item(pool, items + i * SIZE).y;
          return sum;
        }),
      },
      [cursor]: {
        run: inParts(count, (from, to) => {
          let sum = 0;
          for (let i = from; i < to; i++) sum += item.move(items + i * SIZE).y;
          return sum;
        }),
      },
      [functions]: {
        run: inParts(count, (from, to) => {
          let sum = 0;
          for (let i = from; i < to; i++) sum += y(items + i * SIZE);
          return sum;
        }),
      },
      [peer]: {
        run: inParts(count, (from, to) => {
          let sum = 0;
          for (let i = from; i < to; i++) sum += records.getView(i)!.get("y")!;
          return sum;
        }),
      },
    };
  },
};
