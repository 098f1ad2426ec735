/** Tables and goals of what programs take under libvmmalloc. */
import { atMost, type Goal } from "./goal.ts";
import { markdown } from "./markdown.ts";
import type { Row } from "./record.ts";

type Rows = ReadonlyMap<string, Row>;

/** What the names of rows begin with. */
export const user = "program, user: ";
export const elapsed = "program, elapsed: ";
export const fork = "first fork: ";

/** What programs took, as ratios to jemalloc; the last line has geometric means. */
export function programTable(rows: Rows): string {
  const names = [...rows.keys()].filter((row) => row.startsWith(user))
    .map((row) => row.slice(user.length));
  const candidates = ["glibc", "tmpfs", "huge"];
  const ratios = (name: string): (number | undefined)[] =>
    candidates.flatMap((candidate) =>
      [user, elapsed].map((time) => rows.get(time + name)?.[candidate]?.ratio)
    );
  const lines = names.map((name) => [
    name,
    ...[user, elapsed].map((time) => seconds(rows.get(time + name)?.["jemalloc"]?.ns)),
    ...ratios(name).map((each) => each?.toFixed(2) ?? ""),
  ]);
  const means = candidates.flatMap((candidate) =>
    [user, elapsed].map((time) => mean(rows, time, candidate)?.toFixed(3) ?? "")
  );
  const heads = candidates.flatMap((candidate) => [`${candidate}: user`, "elapsed"]);
  return markdown(
    ["program", "jemalloc: user s", "elapsed s", ...heads],
    [...lines, ["geometric mean", "", "", ...means]],
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

function seconds(nanoseconds: number | undefined): string {
  return nanoseconds === undefined ? "" : (nanoseconds / 1e9).toFixed(3);
}
