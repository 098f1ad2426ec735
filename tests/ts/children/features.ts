/**
 * Run by tests/deno/features.ts and tests/node/runtime.ts: tries each group of features and prints as JSON "works" or the error of each.
 * An argument stands for a worker, and is Deno's permissions for it as JSON.
 */
import process from "node:process";
import {
  checkVersion,
  errormsg,
  fields,
  OutOfMemoryError,
  pointer,
  Pool,
  string,
  struct,
  text,
  VmemError,
} from "../../../mod.ts";
import { vmmallocEnv } from "../../../src/vmmalloc.ts";

function assert(holds: boolean): asserts holds {
  if (!holds) throw new Error("it went wrong");
}

const Node = struct({
  key: "u32",
  big: "u64",
  value: "f64",
  name: text(16),
  note: string(),
  next: pointer(() => Node),
});

const groups: Record<string, (pool: Pool) => void> = {
  pointers(pool) {
    const at = pool.malloc(64, { align: 64 });
    pool.fill(at, 1, 64);
    const copy = new Uint8Array(64);
    pool.read(at, copy);
    assert(copy.every((byte) => byte === 1) && pool.find(at, 64, 2) === -1);
    pool.freeMany(pool.mallocMany(100, 100));
    pool.free(at);
  },
  text(pool) {
    for (const words of ["short", "a longer text, with ä, ü and 🙂, that no loop decodes"]) {
      const at = pool.strdup(words);
      assert(pool.readText(at) === words);
      assert(pool.writeText(at, "new", 4) === 3 && pool.readText(at, 3) === "new");
      pool.free(at);
    }
  },
  structs(pool) {
    const head = pool.make(Node, { key: 7, big: 5n, value: 0.5, name: "Ada", note: "first" });
    head.next = pool.make(Node, { key: 8, name: "Grace", note: "a note that is longer than that" });
    assert(head.key + head.next.key === 15 && head.big === 5n && head.next.name === "Grace");
    const { key, setValue } = fields(Node, pool);
    setValue(head.$pointer as number, head.value + 1);
    assert(head.value === 1.5 && key(head.$next as number) === 8);
    assert(head.note === "first" && JSON.stringify(head).includes("Ada"));
    pool.free(head.next);
    pool.free(head);
  },
  arrays(pool) {
    const array = pool.resize(pool.alloc(Float64Array, 10).fill(1), 20);
    assert(array[9] === 1 && array[19] === 0);
    pool.free(array);
  },
  views(pool) {
    const at = pool.malloc(64);
    pool.view(Uint8Array, at, 64).fill(3);
    assert(pool.view(Uint32Array, at, 16)[15] === 0x03030303);
    pool.free(at);
  },
  columns(pool) {
    const columns = pool.columns({ id: "u32", price: "f64" }, 100);
    columns.price[99] = 0.5;
    pool.free(columns);
  },
  reports(pool) {
    assert(pool.stats().committed > 0 && pool.stats({ detail: true }).arenas > 0);
    assert(
      pool.statsText().length > 1000 && pool.check() && typeof pool.ctl("version") === "string",
    );
    pool.trim();
  },
  waiting(pool) {
    const at = pool.calloc(1, 4);
    assert(pool.wait(at, 1) === "not-equal" && pool.notify(at) === 0);
    pool.free(at);
  },
  attaching(pool) {
    using same = Pool.attach(pool.token);
    assert(same.token === pool.token);
  },
  directories() {
    using there = Pool.create({ dir: "/tmp", size: "4MiB" });
    const at = there.malloc("2MiB", { align: 4096 });
    try {
      Pool.inRegion(there.address(at), "2MiB");
    } catch (error) {
      return assert(error instanceof VmemError && error.code === "EEXIST");
    }
    assert(false);
  },
  errors(pool) {
    const refuses = (type: new (...values: never[]) => Error, run: () => unknown) => {
      try {
        run();
      } catch (error) {
        return assert(error instanceof type);
      }
      assert(false);
    };
    refuses(VmemError, () => Pool.create({ dir: "/no/such/folder" }));
    refuses(OutOfMemoryError, () => pool.malloc("1GiB"));
    refuses(RangeError, () => pool.free(16 as never));
    assert(checkVersion(1, 99) === errormsg());
  },
  programs() {
    vmmallocEnv({ dir: "/tmp", size: "64MiB" });
  },
};

interface Thread {
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: ((event: { message?: string; preventDefault?(): void }) => void) | null;
  postMessage(value: unknown): void;
  terminate(): void;
}

/** A worker that may only do what `permissions` say; null: all that this thread may. */
function inWorker(pool: Pool, permissions: unknown): Promise<string> {
  const { Worker } = globalThis as unknown as {
    Worker: new (url: string, options: object) => Thread;
  };
  const url = new URL("sharing.ts", import.meta.url).href;
  const deno = permissions === null ? undefined : { permissions };
  const worker = new Worker(url, { type: "module", deno });
  return new Promise((resolve) => {
    worker.onmessage = ({ data }) => {
      worker.terminate();
      resolve(data === "attached" ? "works" : String(data));
    };
    worker.onerror = (event) => {
      event.preventDefault?.();
      resolve(event.message ?? "the worker failed");
    };
    worker.postMessage({ do: "attach", token: pool.token });
  });
}

const results: Record<string, string> = {};
using pool = Pool.create({ maxSize: "64MiB" });
for (const [name, run] of Object.entries(groups)) {
  try {
    run(pool);
    results[name] = "works";
  } catch (error) {
    results[name] = String(error);
  }
}
const [, , permissions] = process.argv;
if (permissions !== undefined) results["workers"] = await inWorker(pool, JSON.parse(permissions));
console.log(JSON.stringify(results));
