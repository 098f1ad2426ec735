/**
 * The newest figures of the record: those of the last complete run of a benchmark, and of later runs of parts of it.
 * Quick runs do not count.
 */
import type { Capacity } from "./capacities.ts";
import type { Goal } from "./goal.ts";
import type { Entry, Results, Row } from "./record.ts";

export interface Latest {
  readonly rows: ReadonlyMap<string, Row>;
  readonly goals: readonly Goal[];
  readonly capacities: readonly Capacity[];
  readonly builds: NonNullable<Results["builds"]>;
  /** The runs that all of it comes from, the oldest first. */
  readonly entries: readonly Entry[];
}

/** The benchmarks whose runs are recorded, by the names of their tasks. */
export type Task = "bench" | "bench:structs" | "bench:kinds" | "bench:programs";

/** The runs of a task that count. */
export function runsOf(entries: readonly Entry[], task: Task): Entry[] {
  return entries.filter(({ command }) => {
    const words = command.split(" ");
    return words[2] === task && !words.includes("--quick");
  });
}

export function latestOf(entries: readonly Entry[], task: Task): Latest {
  const runs = runsOf(entries, task);
  const begins = [/ --full\b/, /^/].map((wanted) =>
    runs.findLastIndex((each) => isComplete(each) && wanted.test(each.command))
  );
  const used = runs.slice(Math.max(begins.find((index) => index >= 0) ?? 0, 0));
  const goals = new Map<string, Goal>();
  for (const goal of used.flatMap((entry) => entry.goals)) goals.set(keyOf(goal), goal);
  const capacities = used.findLast((entry) => (entry.capacities ?? []).length > 0)?.capacities;
  return {
    rows: new Map(used.flatMap((entry) => Object.entries(entry.rows))),
    goals: [...goals.values()],
    capacities: capacities ?? [],
    builds: Object.assign({}, ...used.map((entry) => entry.builds ?? {})),
    entries: used,
  };
}

/** Whether everything was measured that the task knows: no word but options and their values. */
function isComplete({ command }: Entry): boolean {
  return command.replace(/ --rounds \d+/, "").split(" ").slice(3)
    .every((word) => word.startsWith("--"));
}

/** What tells a goal from others. Those of structures name the face that came off best, which may change. */
export function keyOf({ name, limit }: Goal): string {
  const face = /^((?:Deno|Bun): [^,]+), .* (to .+)$/.exec(name);
  return face === null ? name : `${face[1]} ${face[2]}, ${limit}`;
}

/** A goal's figure as a number. */
export function valueOf(goal: Goal): number {
  return Number.parseFloat(goal.value);
}

/** A goal's limit as a number. */
export function limitOf(goal: Goal): number {
  return Number.parseFloat(goal.limit.replace(/^at (most|least) /, ""));
}

/** "2026-11-21, commit 224dd73", for one or several runs. */
export function originOf(entries: readonly Entry[]): string {
  const days = [...new Set(entries.map(({ date }) => date.slice(0, 10)))];
  const commits = [...new Set(entries.map(({ commit }) => commit.replace("+", "")))];
  return `${days.join(" and ")}, commit${commits.length > 1 ? "s" : ""} ${commits.join(", ")}`;
}

/** Where, with what and by which commands figures were made. */
export function describeRun(entries: readonly Entry[]): string {
  const last = entries.at(-1);
  if (last === undefined) return "Not recorded yet.";
  const versions = Object.entries(last.versions).map(([name, version]) => `${name} ${version}`);
  const commands = [...new Set(entries.map(({ command }) => `\`${command}\``))];
  const load = last.load === undefined ? "" : `; load averages ${last.load.join(", ")} at the end`;
  return [
    `${originOf(entries)}: ${last.machine}${load}; ${versions.join(", ")}.`,
    `Command${commands.length > 1 ? "s" : ""}: ${commands.join(", ")}.`,
  ].join("\n");
}
