/** All workloads whose candidates run by turns in one process; that of build.ts has a process for each. */
import { hashTable } from "./hash_table.ts";
import { indexSort } from "./index_sort.ts";
import { list } from "./list.ts";
import { randomGet } from "./random_get.ts";
import { sum } from "./sum.ts";
import { tree } from "./tree.ts";
import { update } from "./update.ts";
import type { Workload } from "./workload.ts";

export const workloads: readonly Workload[] = [
  sum,
  update,
  randomGet,
  hashTable,
  list,
  tree,
  indexSort,
];
