/** The conf string of the environment and the options of a pool: who says when storage is given back. */
import { test } from "node:test";
import { assert } from "@std/assert";
import { program, run } from "./child.ts";

/** MiB that stay of 57. */
function kept(conf: string, ...giveBack: string[]): number {
  const { status, output } = run(program("children/give_back.ts", ...giveBack), {
    VMEM_MALLOC_CONF: conf,
  });
  assert(status === 0, output);
  return Number(output);
}

test("dirty_decay_ms says when pools that were told nothing give storage back", () => {
  const soon = kept("dirty_decay_ms:50");
  assert(soon <= 8, `${soon} MiB after 100 ms`);
  const atOnce = kept("dirty_decay_ms:0");
  assert(atOnce <= 8, `${atOnce} MiB`);
  for (const conf of ["dirty_decay_ms:-1", "dirty_decay_ms:100000", ""]) {
    const late = kept(conf);
    assert(late >= 50, `${late} MiB by "${conf}"`);
  }
});

test("giveBack goes before dirty_decay_ms, and decay takes its time from it", () => {
  const never = kept("dirty_decay_ms:0", "never");
  assert(never >= 50, `${never} MiB`);
  const immediate = kept("dirty_decay_ms:-1", "immediate");
  assert(immediate <= 8, `${immediate} MiB`);
  const decay = kept("dirty_decay_ms:50", "decay");
  assert(decay <= 8, `${decay} MiB`);
  const late = kept("dirty_decay_ms:0", "decay");
  assert(late >= 50, `${late} MiB`);
});
