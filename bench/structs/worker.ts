/**
 * One workload in a process of its own: `worker.ts WORKLOAD WARM SAMPLES` for those of workloads.ts, with a fourth word
 * `alone` their candidates without a pool; `worker.ts build CANDIDATE` for one candidate of build.ts. Prints the result as JSON.
 */
import { existsSync } from "node:fs";
import process from "node:process";
import { Pool } from "../../mod.ts";
import { memoryDirectory } from "../peers.ts";
import { buildSize, measureBuild } from "./build.ts";
import { measureWorkload } from "./measure.ts";
import { poolSize } from "./workload.ts";
import { workloads } from "./workloads.ts";

function main([name, ...words]: readonly string[]): unknown {
  const workload = workloads.find((each) => each.name === name);
  const [warm = 0, samples = 0] = words.map(Number);
  if (workload?.alone !== undefined && words[2] === "alone") {
    return measureWorkload(workload, workload.alone(workload.size), workload.size, {
      warm,
      samples,
    });
  }
  // In main memory if there is such a directory: on a disk, other programs' writes would be measured.
  const where = existsSync(memoryDirectory) ? { dir: memoryDirectory } : {};
  using pool = Pool.create({ ...where, maxSize: poolSize });
  if (name === "build") return measureBuild(pool, words[0] ?? "", buildSize);
  if (workload === undefined) throw new Error(`There is no workload "${name}"`);
  const candidates = workload.create(pool, workload.size);
  return measureWorkload(workload, candidates, workload.size, { warm, samples });
}

process.stdout.write(`${JSON.stringify(main(process.argv.slice(2)))}\n`);
