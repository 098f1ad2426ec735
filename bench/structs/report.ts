/** What was measured on structures, as text. */
import type { Row } from "../record.ts";
import { median } from "../sampling.ts";
import type { Built } from "./build.ts";
import { byHand, plain } from "./workload.ts";

/** Workloads by "RUNTIME: NAME"; ratios are those to plain objects. */
export type Rows = ReadonlyMap<string, Row>;

/** By runtime, then candidate: what building took, time after time. */
export type Builds = Readonly<Record<string, Readonly<Record<string, readonly Built[]>>>>;

const runtimes = ["Deno", "Bun"];

export function report(rows: Rows, builds: Builds): string {
  return [reportWorkloads(rows), reportBuilds(builds)]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${line.trimEnd()}\n`).join(""))
    .join("\n");
}

/** For each runtime nanoseconds, the ratio to plain objects, and its quotient with that of a DataView by hand. */
function reportWorkloads(rows: Rows): string[] {
  const workloads = new Set([...rows.keys()].map((row) => row.split(": ")[1]!))
    .difference(new Set(["longest step"]));
  if (workloads.size === 0) return [];
  const heads = runtimes.flatMap((runtime) => [`${runtime}, ns`, "to plain", "to DataView"]);
  const lines = ["Nanoseconds an operation", row("", heads)];
  for (const workload of workloads) {
    lines.push(workload);
    const measured = runtimes.map((runtime) => rows.get(`${runtime}: ${workload}`));
    for (const name of new Set(measured.flatMap((all) => Object.keys(all ?? {})))) {
      lines.push(row(`  ${name}`, measured.flatMap((all) => cells(all, name))));
    }
  }
  return lines;
}

function cells(row: Row | undefined, name: string): string[] {
  const figures = row?.[name];
  if (figures === undefined) return ["-", "-", "-"];
  const ratios = [plain, byHand].map((to) => {
    const base = row?.[to];
    return base === undefined ? "-" : (figures.ratio / base.ratio).toFixed(2);
  });
  return [figures.ns.toFixed(figures.ns < 100 ? 1 : 0), ...ratios];
}

function reportBuilds(builds: Builds): string[] {
  if (Object.keys(builds).length === 0) return [];
  const heads = ["ns a record", "longest step", "collection", "JS heap", "resident"];
  const lines = [
    "Building records: ns, ms of the longest 1000 and of a collection, MiB",
    row("", heads),
  ];
  for (const [runtime, candidates] of Object.entries(builds)) {
    lines.push(runtime);
    for (const [name, times] of Object.entries(candidates)) {
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

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(24) + cells.map((cell) => cell.padStart(13)).join("");
}
