/** A binary search tree: 131 072 keys are inserted in random order, then each is looked up. */
import { fields, type Pointer, pointer, type Pool, struct } from "../../mod.ts";
import {
  byHand,
  cursor,
  functions,
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

/** One kind of tree; made once, since functions that are made anew are compiled anew. */
interface Tree {
  /** Makes a root without children. */
  readonly plant: (key: number, value: number) => void;
  readonly insert: (key: number, value: number) => void;
  /** The value of a key that is there. */
  readonly find: (key: number) => number;
}

/** The workload on one kind of tree. */
function work(keys: Uint32Array, { plant, insert, find }: Tree): number {
  plant(keys[0]!, 0.5);
  for (let i = 1; i < keys.length; i++) insert(keys[i]!, i + 0.5);
  let sum = 0;
  for (let key = 0; key < keys.length; key++) sum += find(key);
  return sum;
}

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
    const trees: Record<string, Tree> = {
      [plain]: plainTree(),
      [byHand]: treeByHand(pool, view, makeRoot),
      [views]: treeOfViews(pool, makeRoot),
      [cursor]: treeByCursor(pool, makeRoot),
      [functions]: treeByFunctions(pool, makeRoot),
    };
    return Object.fromEntries(
      Object.entries(trees).map(([name, tree]) => [
        name,
        { run: () => work(keys, tree), ...name === plain ? {} : { clean } },
      ]),
    );
  },
};

/** Makes the root of a tree in the pool. */
type MakeRoot = (key: number, value: number) => Node;

function plainTree(): Tree {
  let root: Plain = { key: 0, value: 0, left: null, right: null };
  return {
    plant(key, value) {
      root = { key, value, left: null, right: null };
    },
    insert(key, value) {
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
    },
    find(key) {
      let at = root;
      while (at.key !== key) at = (key < at.key ? at.left : at.right)!;
      return at.value;
    },
  };
}

function treeByHand(pool: Pool, view: DataView, makeRoot: MakeRoot): Tree {
  let root = 0;
  return {
    plant(key, value) {
      root = makeRoot(key, value).$pointer | 0;
    },
    insert(key, value) {
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
    },
    find(key) {
      let at = root;
      for (let found = view.getUint32(at, true); found !== key;) {
        at = view.getInt32(at + (key < found ? LEFT : RIGHT), true);
        found = view.getUint32(at, true);
      }
      return view.getFloat64(at + VALUE, true);
    },
  };
}

function treeOfViews(pool: Pool, makeRoot: MakeRoot): Tree {
  let root: Node;
  return {
    plant(key, value) {
      root = makeRoot(key, value);
    },
    insert(key, value) {
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
    },
    find(key) {
      let at = root;
      for (let found = at.key; found !== key; found = at.key) {
        at = (key < found ? at.left : at.right)!;
      }
      return at.value;
    },
  };
}

function treeByCursor(pool: Pool, makeRoot: MakeRoot): Tree {
  let root = 0;
  let at: Node;
  return {
    plant(key, value) {
      at = makeRoot(key, value);
      root = at.$pointer;
    },
    insert(key, value) {
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
    },
    find(key) {
      at.move(root);
      for (let found = at.key; found !== key; found = at.key) {
        at.move(key < found ? at.$left : at.$right);
      }
      return at.value;
    },
  };
}

function treeByFunctions(pool: Pool, makeRoot: MakeRoot): Tree {
  const { key, setKey, value, setValue, left, setLeft, right, setRight } = fields(Node, pool);
  let root = 0;
  return {
    plant(key, value) {
      root = makeRoot(key, value).$pointer;
    },
    insert(wanted, first) {
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
    },
    find(wanted) {
      let at = root;
      for (let found = key(at); found !== wanted; found = key(at)) {
        at = wanted < found ? left(at) : right(at);
      }
      return value(at);
    },
  };
}
