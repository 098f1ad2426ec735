/** What was measured on structures, as text. */
import type { Goal } from "../goal.ts";
import { type Measured, median, ratio } from "../sampling.ts";
import type { Built } from "./build.ts";
import type { Table } from "./goals.ts";
import { byHand, plain } from "./workload.ts";

/** By runtime, then candidate: what building took, time after time. */
export type Builds = ReadonlyMap<string, ReadonlyMap<string, readonly Built[]>>;

const runtimes = ["Deno", "Bun"];

export function report(table: Table, builds: Builds, goals: readonly Goal[]): string {
  return [reportWorkloads(table), reportBuilds(builds), reportGoals(goals)]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${line.trimEnd()}\n`).join(""))
    .join("\n");
}

/** For each runtime nanoseconds, the ratio to plain objects, and that to a DataView by hand. */
function reportWorkloads(table: Table): string[] {
  const workloads = new Set([...table.keys()].map((row) => row.split(": ")[1]!))
    .difference(new Set(["longest step"]));
  if (workloads.size === 0) return [];
  const heads = runtimes.flatMap((runtime) => [`${runtime}, ns`, "to plain", "to DataView"]);
  const lines = ["Nanoseconds an operation", row("", heads)];
  for (const workload of workloads) {
    lines.push(workload);
    const measured = runtimes.map((runtime) => table.get(`${runtime}: ${workload}`));
    for (const name of new Set(measured.flatMap((all) => [...(all?.keys() ?? [])]))) {
      lines.push(row(`  ${name}`, measured.flatMap((all) => cells(all, name))));
    }
  }
  return lines;
}

function cells(measured: ReadonlyMap<string, Measured> | undefined, name: string): string[] {
  const figures = measured?.get(name);
  if (figures === undefined) return ["-", "-", "-"];
  const ratios = [plain, byHand].map((to) => {
    const base = measured?.get(to);
    return base === undefined ? "-" : ratio(figures, base).toFixed(2);
  });
  return [figures.ns.toFixed(figures.ns < 100 ? 1 : 0), ...ratios];
}

function reportBuilds(builds: Builds): string[] {
  if (builds.size === 0) return [];
  const heads = ["ns a record", "longest step", "collection", "JS heap", "resident"];
  const lines = [
    "Building records: ns, ms of the longest 1000 and of a collection, MiB",
    row("", heads),
  ];
  for (const [runtime, candidates] of builds) {
    lines.push(runtime);
    for (const [name, times] of candidates) {
      const of = (figure: keyof Built): number => median(times.map((each) => each[figure]));
      const mebibytes = (figure: "heap" | "resident"): string => (of(figure) / 2 ** 20).toFixed(0);
      const milliseconds = (figure: "longestStep" | "collection"): string => of(figure).toFixed(1);
      lines.push(row(`  ${name}`, [
        of("ns").toFixed(1),
        milliseconds("longestStep"),
        milliseconds("collection"),
        mebibytes("heap"),
        mebibytes("resident"),
      ]));
    }
  }
  return lines;
}

function reportGoals(goals: readonly Goal[]): string[] {
  if (goals.length === 0) return [];
  return [
    "Goals",
    ...goals.map(({ name, value, limit, reached }) =>
      `${reached ? "reached" : "MISSED "} ${value.padStart(8)}  ${limit.padEnd(14)} ${name}`
    ),
  ];
}

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(24) + cells.map((cell) => cell.padStart(13)).join("");
}
