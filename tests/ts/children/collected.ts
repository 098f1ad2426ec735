/** Run by collected_test.ts: forgets pools in one of several ways, collects, and says what is left. */
import { readdirSync, readlinkSync } from "node:fs";
import process from "node:process";
import { type Pointer, Pool, struct } from "../../../mod.ts";
import { Mapping } from "../mapping.ts";
import { collect, MiB, turn } from "../support.ts";

const Point = struct({ x: "f64", y: "f64" });
const kept: unknown[] = [];
let attachment: Pool | undefined;
let at = 0 as Pointer;
const lasting = new Mapping(4 * MiB);

/** Files of pools that the process has. */
function files(): number {
  return readdirSync("/proc/self/fd").filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).includes("(deleted)");
    } catch {
      return false; // the one that lists them
    }
  }).length;
}

function make(options: { trace?: boolean } = {}): Pool {
  return Pool.create({ maxSize: "16MiB", dir: "/tmp", ...options });
}

const ways: Readonly<Record<string, () => void>> = {
  "forget": () => {
    for (let index = 0; index < 20; index += 1) {
      const pool = make();
      pool.view(Uint8Array, pool.malloc(100), 100).fill(1);
      pool.alloc(Float64Array, 100).fill(1);
      pool.make(Point, { x: 1 });
      pool.scope().malloc(10);
    }
  },
  "forget traced": () => {
    function first(): void {
      for (let index = 0; index < 5; index += 1) make({ trace: true }).malloc(10);
    }
    function second(): void {
      Pool.create({ maxSize: "16MiB", dir: "/tmp", trace: true }).malloc(10);
    }
    first();
    second();
  },
  "forget silently": () => {
    for (let index = 0; index < 5; index += 1) make({ trace: false }).malloc(10);
  },
  "close": () => {
    for (let index = 0; index < 20; index += 1) {
      using pool = make({ trace: index % 2 === 0 });
      const scope = pool.scope();
      scope.malloc(10);
      scope.close();
      using same = Pool.attach(pool.token);
      same.free(same.malloc(10));
    }
  },
  // The owner has closed it, so the attachments, which nobody closed, are nothing to talk about.
  "forget attachments": () => {
    for (let index = 0; index < 20; index += 1) {
      using pool = make();
      Pool.attach(pool.token).free(pool.malloc(10));
    }
  },
  // One of them over memory that is gone by then, against the rules.
  "forget regions": () => {
    using gone = new Mapping(4 * MiB);
    Pool.inRegion(gone.address, 4 * MiB).malloc(10);
    Pool.inRegion(lasting.address, 4 * MiB).malloc(10);
  },
  "keep": () => {
    kept.push(make().make(Point, { x: 0.5 }), make().scope());
    kept.push((make() as { malloc(size: number): number }).malloc);
  },
  "keep an attachment": () => {
    const owner = make();
    attachment = Pool.attach(owner.token);
    attachment.view(Float64Array, at = owner.malloc(8), 1)[0] = 0.5;
  },
  "keep bytes": () => {
    const [a, b] = [make({ trace: false }), make({ trace: false })];
    kept.push(
      a.alloc(Float64Array, 10).fill(0.5),
      b.view(Float64Array, b.calloc(10, 8), 10).fill(7),
    );
  },
};

ways[process.argv[2] ?? ""]?.();
const before = files();
for (let round = 0; round < 10; round += 1) {
  await turn(5);
  collect();
}
if (attachment !== undefined) {
  attachment.free(attachment.malloc(100));
  kept.push(attachment.view(Float64Array, at, 1).slice());
}
if (process.argv[2] === "forget regions") Pool.inRegion(lasting.address, 4 * MiB).close();
const numbers = kept.flatMap((each) => each instanceof Float64Array ? [each[0], each[9]] : []);
console.log(JSON.stringify({ before, after: files(), kept: kept.length, numbers }));
