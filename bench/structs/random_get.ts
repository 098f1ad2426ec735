/** One field of a million records in random order. */
import { fields } from "../../mod.ts";
import { fillRecords, Item, plainRecords, recordsOfPeer, SIZE, viewByHand, Y } from "./records.ts";
import {
  byHand,
  cursor,
  functions,
  inParts,
  peer,
  plain,
  randomNumbers,
  views,
  type Workload,
} from "./workload.ts";

export const randomGet: Workload = {
  name: "random get",
  size: 1_000_000,
  allocates: false,
  create(pool, count) {
    const objects = plainRecords(count);
    const view = viewByHand(pool, fillRecords(pool, count), count * SIZE);
    const records = recordsOfPeer(pool, count);
    const items = fillRecords(pool, count);
    const item = new Item(pool, items);
    const { y } = fields(Item, pool);
    const order = randomNumbers(count).map((number) => number % count);
    return {
      [plain]: {
        run: inParts(count, (from, to) => {
          let sum = 0;
          for (let i = from; i < to; i++) sum += objects[order[i]!]!.y;
          return sum;
        }),
      },
      [byHand]: {
        run: inParts(count, (from, to) => {
          let sum = 0;
          for (let i = from; i < to; i++) sum += view.getFloat64(order[i]! * SIZE + Y, true);
          return sum;
        }),
      },
      [views]: {
        run: inParts(count, (from, to) => {
          let sum = 0;
          for (let i = from; i < to; i++) sum += new Item(pool, items + order[i]! * SIZE).y;
          return sum;
        }),
      },
      [cursor]: {
        run: inParts(count, (from, to) => {
          let sum = 0;
          for (let i = from; i < to; i++) sum += item.move(items + order[i]! * SIZE).y;
          return sum;
        }),
      },
      [functions]: {
        run: inParts(count, (from, to) => {
          let sum = 0;
          for (let i = from; i < to; i++) sum += y(items + order[i]! * SIZE);
          return sum;
        }),
      },
      [peer]: {
        run: inParts(count, (from, to) => {
          let sum = 0;
          for (let i = from; i < to; i++) sum += records.getView(order[i]!)!.get("y")!;
          return sum;
        }),
      },
    };
  },
};
