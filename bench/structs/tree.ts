/** A binary search tree: 131 072 keys are inserted in random order, then each is looked up. */
import { fields, type Pointer, pointer, type Pool, struct } from "../../mod.ts";
import {
  byHand,
  cursor,
  functions,
  inParts,
  plain,
  shuffled,
  views,
  wholePool,
  type Workload,
} from "./workload.ts";

interface Plain {
  readonly key: number;
  readonly value: number;
  left: Plain | null;
  right: Plain | null;
}

const Node = struct({
  key: "u32",
  value: "f64",
  left: pointer(() => Node),
  right: pointer(() => Node),
});
type Node = InstanceType<typeof Node>;

/** Bytes of a record, and where its fields are. */
const SIZE = 32;
const VALUE = 8;
const LEFT = 16;
const RIGHT = 24;

/** Frees the tree at a pointer; not part of the workload. */
function freeTree(pool: Pool, view: DataView, root: number): void {
  const pointers = [root];
  for (const pointer of pointers) {
    const children = [view.getInt32(pointer + LEFT, true), view.getInt32(pointer + RIGHT, true)];
    pointers.push(...children.filter((child) => child !== 0));
    pool.free(pointer as Pointer);
  }
}

export const tree: Workload = {
  name: "tree",
  size: 131_072,
  allocates: true,
  alone(count) {
    return { [plain]: { run: plainTree(shuffled(count)) } };
  },
  create(pool, count) {
    const keys = shuffled(count);
    const view = wholePool(pool);
    /** Where the last tree that was planted in the pool has its root. */
    let root = 0;
    const clean = (): void => freeTree(pool, view, root);
    const makeRoot = (key: number, value: number): Node => {
      const node = pool.make(Node, { key, value });
      root = node.$pointer;
      return node;
    };
    return {
      [byHand]: { run: treeByHand(keys, pool, view, makeRoot), clean },
      [views]: { run: treeOfViews(keys, pool, makeRoot), clean },
      [cursor]: { run: treeByCursor(keys, pool, makeRoot), clean },
      [functions]: { run: treeByFunctions(keys, pool, makeRoot), clean },
    };
  },
};

/**
 * Builds a tree and looks for all keys; the numbers found added up. Each kind of tree has loops of its own: in shared ones an engine
 * calls what it would inline.
 */
type Run = () => number;

/** Makes the root of a tree in the pool. */
type MakeRoot = (key: number, value: number) => Node;

function plainTree(keys: Uint32Array): Run {
  let root: Plain = { key: 0, value: 0, left: null, right: null };
  const plant = (key: number, value: number): void => {
    root = { key, value, left: null, right: null };
  };
  const insert = (key: number, value: number): void => {
    const node: Plain = { key, value, left: null, right: null };
    for (let at = root;;) {
      const next = key < at.key ? at.left : at.right;
      if (next !== null) at = next;
      else {
        if (key < at.key) at.left = node;
        else at.right = node;
        return;
      }
    }
  };
  const find = (key: number): number => {
    let at = root;
    while (at.key !== key) at = (key < at.key ? at.left : at.right)!;
    return at.value;
  };
  const insertAll = inParts(keys.length, (from, to) => {
    for (let i = Math.max(from, 1); i < to; i++) insert(keys[i]!, i + 0.5);
    return 0;
  });
  const findAll = inParts(keys.length, (from, to) => {
    let sum = 0;
    for (let key = from; key < to; key++) sum += find(key);
    return sum;
  });
  return () => {
    plant(keys[0]!, 0.5);
    insertAll();
    return findAll();
  };
}

function treeByHand(keys: Uint32Array, pool: Pool, view: DataView, makeRoot: MakeRoot): Run {
  let root = 0;
  const plant = (key: number, value: number): void => {
    root = makeRoot(key, value).$pointer | 0;
  };
  const insert = (key: number, value: number): void => {
    const node = pool.malloc(SIZE) | 0;
    view.setUint32(node, key, true);
    view.setFloat64(node + VALUE, value, true);
    view.setInt32(node + LEFT, 0, true);
    view.setInt32(node + RIGHT, 0, true);
    for (let at = root;;) {
      const child = at + (key < view.getUint32(at, true) ? LEFT : RIGHT);
      const next = view.getInt32(child, true);
      if (next !== 0) at = next;
      else {
        view.setInt32(child, node, true);
        return;
      }
    }
  };
  const find = (key: number): number => {
    let at = root;
    for (let found = view.getUint32(at, true); found !== key;) {
      at = view.getInt32(at + (key < found ? LEFT : RIGHT), true);
      found = view.getUint32(at, true);
    }
    return view.getFloat64(at + VALUE, true);
  };
  const insertAll = inParts(keys.length, (from, to) => {
    for (let i = Math.max(from, 1); i < to; i++) insert(keys[i]!, i + 0.5);
    return 0;
  });
  const findAll = inParts(keys.length, (from, to) => {
    let sum = 0;
    for (let key = from; key < to; key++) sum += find(key);
    return sum;
  });
  return () => {
    plant(keys[0]!, 0.5);
    insertAll();
    return findAll();
  };
}

function treeOfViews(keys: Uint32Array, pool: Pool, makeRoot: MakeRoot): Run {
  let root: Node;
  const plant = (key: number, value: number): void => {
    root = makeRoot(key, value);
  };
  const insert = (key: number, value: number): void => {
    const node = new Node(pool, pool.malloc(SIZE));
    node.key = key;
    node.value = value;
    node.left = null;
    node.right = null;
    for (let at = root;;) {
      const next = key < at.key ? at.left : at.right;
      if (next !== null) at = next;
      else {
        if (key < at.key) at.left = node;
        else at.right = node;
        return;
      }
    }
  };
  const find = (key: number): number => {
    let at = root;
    for (let found = at.key; found !== key; found = at.key) {
      at = (key < found ? at.left : at.right)!;
    }
    return at.value;
  };
  const insertAll = inParts(keys.length, (from, to) => {
    for (let i = Math.max(from, 1); i < to; i++) insert(keys[i]!, i + 0.5);
    return 0;
  });
  const findAll = inParts(keys.length, (from, to) => {
    let sum = 0;
    for (let key = from; key < to; key++) sum += find(key);
    return sum;
  });
  return () => {
    plant(keys[0]!, 0.5);
    insertAll();
    return findAll();
  };
}

function treeByCursor(keys: Uint32Array, pool: Pool, makeRoot: MakeRoot): Run {
  let root = 0;
  let at: Node;
  const plant = (key: number, value: number): void => {
    at = makeRoot(key, value);
    root = at.$pointer;
  };
  const insert = (key: number, value: number): void => {
    const node = pool.malloc(SIZE);
    at.move(node);
    at.key = key;
    at.value = value;
    at.left = null;
    at.right = null;
    for (at.move(root);;) {
      const next = key < at.key ? at.$left : at.$right;
      if (next !== 0) at.move(next);
      else {
        if (key < at.key) at.$left = node;
        else at.$right = node;
        return;
      }
    }
  };
  const find = (key: number): number => {
    at.move(root);
    for (let found = at.key; found !== key; found = at.key) {
      at.move(key < found ? at.$left : at.$right);
    }
    return at.value;
  };
  const insertAll = inParts(keys.length, (from, to) => {
    for (let i = Math.max(from, 1); i < to; i++) insert(keys[i]!, i + 0.5);
    return 0;
  });
  const findAll = inParts(keys.length, (from, to) => {
    let sum = 0;
    for (let key = from; key < to; key++) sum += find(key);
    return sum;
  });
  return () => {
    plant(keys[0]!, 0.5);
    insertAll();
    return findAll();
  };
}

function treeByFunctions(keys: Uint32Array, pool: Pool, makeRoot: MakeRoot): Run {
  const { key, setKey, value, setValue, left, setLeft, right, setRight } = fields(Node, pool);
  let root = 0;
  const plant = (key: number, value: number): void => {
    root = makeRoot(key, value).$pointer;
  };
  const insert = (wanted: number, first: number): void => {
    const node = pool.malloc(SIZE);
    setKey(node, wanted);
    setValue(node, first);
    setLeft(node, 0);
    setRight(node, 0);
    for (let at = root;;) {
      const next = wanted < key(at) ? left(at) : right(at);
      if (next !== 0) at = next;
      else {
        if (wanted < key(at)) setLeft(at, node);
        else setRight(at, node);
        return;
      }
    }
  };
  const find = (wanted: number): number => {
    let at = root;
    for (let found = key(at); found !== wanted; found = key(at)) {
      at = wanted < found ? left(at) : right(at);
    }
    return value(at);
  };
  const insertAll = inParts(keys.length, (from, to) => {
    for (let i = Math.max(from, 1); i < to; i++) insert(keys[i]!, i + 0.5);
    return 0;
  });
  const findAll = inParts(keys.length, (from, to) => {
    let sum = 0;
    for (let key = from; key < to; key++) sum += find(key);
    return sum;
  });
  return () => {
    plant(keys[0]!, 0.5);
    insertAll();
    return findAll();
  };
}
