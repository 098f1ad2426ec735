/** A linked list of a million records: built at its head, walked, freed. */
import { fields, type Pointer, pointer, type Pool, struct } from "../../mod.ts";
import {
  byHand,
  type Candidate,
  cursor,
  functions,
  inParts,
  plain,
  views,
  wholePool,
  type Workload,
} from "./workload.ts";

class Plain {
  readonly key: number;
  readonly value: number;
  readonly next: Plain | null;

  constructor(key: number, value: number, next: Plain | null) {
    this.key = key;
    this.value = value;
    this.next = next;
  }
}

const Node = struct({ key: "u32", value: "f64", next: pointer(() => Node) });
type Node = InstanceType<typeof Node>;

/** Bytes of a record, and where its fields are. */
const SIZE = 24;
const VALUE = 8;
const NEXT = 16;

/** Zero in the type that ends a list. */
const NONE = 0 as Pointer;

export const list: Workload = {
  name: "list",
  size: 1_000_000,
  allocates: true,
  alone: (count) => ({ [plain]: plainList(count) }),
  create: (pool, count) => ({
    [byHand]: listByHand(pool, count),
    [views]: listOfViews(pool, count),
    [cursor]: listByCursor(pool, count),
    [functions]: listByFunctions(pool, count),
  }),
};

function plainList(count: number): Candidate {
  let head: Plain | null = null;
  const build = inParts(count, (from, to) => {
    let first = head;
    for (let i = from; i < to; i++) first = new Plain(i, i + 0.5, first);
    head = first;
    return 0;
  });
  const walk = inParts(count, (from, to) => {
    let sum = 0;
    let node = head;
    for (let i = from; i < to; i++) {
      sum += node!.value;
      node = node!.next;
    }
    head = node;
    return sum;
  });
  return {
    run() {
      build();
      return walk(); // freeing it is the collector's work, after the round
    },
  };
}

/** Runs a candidate whose parts all start at the head and leave it where they got to. */
function onList(
  build: () => number,
  walk: () => number,
  free: () => number,
  rewind: () => void,
): Candidate {
  return {
    run() {
      build();
      const sum = walk();
      rewind();
      free();
      return sum;
    },
  };
}

function listByHand(pool: Pool, count: number): Candidate {
  const view = wholePool(pool);
  let head = 0;
  let last = 0;
  const build = inParts(count, (from, to) => {
    let first = head;
    for (let i = from; i < to; i++) {
      const node = pool.malloc(SIZE) | 0;
      view.setUint32(node, i, true);
      view.setFloat64(node + VALUE, i + 0.5, true);
      view.setInt32(node + NEXT, first, true);
      first = node;
    }
    head = last = first;
    return 0;
  });
  const walk = inParts(count, (from, to) => {
    let sum = 0;
    let node = head;
    for (let i = from; i < to; i++) {
      sum += view.getFloat64(node + VALUE, true);
      node = view.getInt32(node + NEXT, true);
    }
    head = node;
    return sum;
  });
  const free = inParts(count, (from, to) => {
    let node = head;
    for (let i = from; i < to; i++) {
      const next = view.getInt32(node + NEXT, true);
      pool.free(node as Pointer);
      node = next;
    }
    head = node;
    return 0;
  });
  return onList(build, walk, free, () => void (head = last));
}

function listOfViews(pool: Pool, count: number): Candidate {
  let head: Node | null = null;
  let last: Node | null = null;
  const build = inParts(count, (from, to) => {
    let first = head;
    for (let i = from; i < to; i++) {
      const node = new Node(pool, pool.malloc(SIZE));
      node.key = i;
      node.value = i + 0.5;
      node.next = first;
      first = node;
    }
    head = last = first;
    return 0;
  });
  const walk = inParts(count, (from, to) => {
    let sum = 0;
    let node = head;
    for (let i = from; i < to; i++) {
      sum += node!.value;
      node = node!.next;
    }
    head = node;
    return sum;
  });
  const free = inParts(count, (from, to) => {
    let node = head;
    for (let i = from; i < to; i++) {
      const next: Node | null = node!.next;
      pool.free(node!);
      node = next;
    }
    head = node;
    return 0;
  });
  return onList(build, walk, free, () => void (head = last));
}

function listByCursor(pool: Pool, count: number): Candidate {
  const spare = pool.make(Node); // what the cursor is made of; it moves on at once
  const node = new Node(pool, spare.$pointer);
  let head = NONE;
  let last = NONE;
  const build = inParts(count, (from, to) => {
    let first = head;
    for (let i = from; i < to; i++) {
      const pointer = pool.malloc(SIZE);
      node.move(pointer);
      node.key = i;
      node.value = i + 0.5;
      node.$next = first;
      first = pointer;
    }
    head = last = first;
    return 0;
  });
  const walk = inParts(count, (from, to) => {
    let sum = 0;
    let pointer = head;
    for (let i = from; i < to; i++) {
      sum += node.move(pointer).value;
      pointer = node.$next;
    }
    head = pointer;
    return sum;
  });
  const free = inParts(count, (from, to) => {
    let pointer = head;
    for (let i = from; i < to; i++) {
      const next = node.move(pointer).$next;
      pool.free(pointer);
      pointer = next;
    }
    head = pointer;
    return 0;
  });
  return onList(build, walk, free, () => void (head = last));
}

function listByFunctions(pool: Pool, count: number): Candidate {
  const { setKey, value, setValue, next, setNext } = fields(Node, pool);
  let head = NONE;
  let last = NONE;
  const build = inParts(count, (from, to) => {
    let first = head;
    for (let i = from; i < to; i++) {
      const node = pool.malloc(SIZE);
      setKey(node, i);
      setValue(node, i + 0.5);
      setNext(node, first);
      first = node;
    }
    head = last = first;
    return 0;
  });
  const walk = inParts(count, (from, to) => {
    let sum = 0;
    let node = head;
    for (let i = from; i < to; i++) {
      sum += value(node);
      node = next(node);
    }
    head = node;
    return sum;
  });
  const free = inParts(count, (from, to) => {
    let node = head;
    for (let i = from; i < to; i++) {
      const after = next(node);
      pool.free(node);
      node = after;
    }
    head = node;
    return 0;
  });
  return onList(build, walk, free, () => void (head = last));
}
