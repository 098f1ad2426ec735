/** Tables and goals of what programs take under libvmmalloc. */
import { atMost, type Goal } from "./goal.ts";
import { markdown } from "./markdown.ts";
import type { Row } from "./record.ts";

type Rows = ReadonlyMap<string, Row>;

/** What the names of rows begin with. */
export const user = "program, user: ";
export const elapsed = "program, elapsed: ";
/** Bytes, where other rows have nanoseconds: the most that one process had in main memory. */
export const memory = "program, bytes in memory: ";
export const fork = "first fork: ";

/**
 * What programs took, as ratios to jemalloc of those candidates that were measured; the last line has geometric means. Runs of before
 * memory was measured have no columns for it.
 */
export function programTable(rows: Rows): string {
  const names = [...rows.keys()].filter((row) => row.startsWith(user))
    .map((row) => row.slice(user.length));
  const columns = ([[user, "user"], [elapsed, "elapsed"], [memory, "memory"]] as const)
    .filter(([prefix]) => rows.has(prefix + names[0]));
  const candidates = ["glibc", "tmpfs", "huge"].flatMap((candidate) =>
    columns.map(([prefix, head]) => ({ candidate, prefix, head }))
  );
  const lines = names.map((name) => [
    name,
    ...columns.map(([prefix]) => amount(prefix, rows.get(prefix + name)?.["jemalloc"]?.ns)),
    ...candidates.map(({ candidate, prefix }) =>
      rows.get(prefix + name)?.[candidate]?.ratio.toFixed(2) ?? ""
    ),
  ]);
  const means = candidates.map(({ candidate, prefix }) =>
    mean(rows, prefix, candidate)?.toFixed(3) ?? ""
  );
  const units = ["jemalloc: user s", "elapsed s", "MiB"].slice(0, columns.length);
  const heads = candidates.map(({ candidate, head }) =>
    head === "user" ? `${candidate}: user` : head
  );
  return markdown(
    ["program", ...units, ...heads],
    [...lines, ["geometric mean", ...units.map(() => ""), ...means]],
  );
}

/** What the first fork of a process with much memory took. Ratios are those to the copy. */
export function forkTable(rows: Rows): string {
  const lines = [...rows].filter(([name]) => name.startsWith(fork)).map(([name, row]) => [
    name.slice(fork.length),
    ...["parent", "child", "copy"].map((part) => ((row[part]?.ns ?? NaN) / 1e6).toFixed(1)),
    row["child"]?.ratio.toFixed(2) ?? "",
  ]);
  const heads = [
    "first fork, 256 MiB live",
    "parent, ms",
    "child, ms",
    "copy, ms",
    "child to copy",
  ];
  return markdown(heads, lines);
}

/** The goals whose figures were measured: those of means only if all programs were. */
export function programGoals(rows: Rows, complete: boolean): Goal[] {
  const goals: Goal[] = [];
  const add = (name: string, value: number | undefined, limit: number, unit = ""): void => {
    if (value !== undefined) goals.push(atMost(name, value, limit, unit));
  };
  if (complete) {
    add("programs' user time to jemalloc, tmpfs", mean(rows, user, "tmpfs"), 0.95);
    add("programs' user time to jemalloc, huge pages", mean(rows, user, "huge"), 0.95);
    add("programs' elapsed time to jemalloc, tmpfs", mean(rows, elapsed, "tmpfs"), 1.1);
    add("programs' elapsed time to jemalloc, huge pages", mean(rows, elapsed, "huge"), 1);
  }
  const parent = rows.get(`${fork}mode 1`)?.["parent"]?.ns;
  add("first fork, mode 1", parent === undefined ? parent : parent / 1e6, 5, " ms");
  add("first fork, mode 2, to the copy", rows.get(`${fork}mode 2`)?.["child"]?.ratio, 1.5);
  return goals;
}

/** Geometric mean of a candidate's ratios; undefined if a program has none. */
function mean(rows: Rows, time: string, candidate: string): number | undefined {
  const all = [...rows].filter(([name]) => name.startsWith(time)).map(([, row]) => row[candidate]);
  const values = all.filter((figure) => figure !== undefined).map(({ ratio }) => Math.log(ratio));
  if (values.length === 0 || values.length < all.length) return undefined;
  return Math.exp(values.reduce((sum, value) => sum + value) / values.length);
}

/** As a number of the unit that the column's head names. */
function amount(prefix: string, value: number | undefined): string {
  if (value === undefined) return "";
  return prefix === memory ? (value / 2 ** 20).toFixed(1) : (value / 1e9).toFixed(3);
}
