/** What was measured, as text for a terminal. */
import type { Capacity } from "./capacities.ts";
import { type Goal, percent } from "./goal.ts";
import { MIXED } from "./goals.ts";
import type { Figure, Row } from "./record.ts";

/** Rows, named "PLACE: WORK", and in each its candidates; the first is what the others are compared with. */
export type Table = ReadonlyMap<string, Row>;

/** The whole report. */
export function report(
  table: Table,
  capacities: readonly Capacity[],
  goals: readonly Goal[],
  missing: readonly string[],
): string {
  const parts = [reportFigures(table, capacities), reportGoals(goals)];
  if (missing.length > 0) {
    const names = missing.join(", ");
    parts.push(`Not installed, so not measured: ${names}; --install gets them on Debian\n`);
  }
  return parts.filter((part) => part !== "").join("\n");
}

/** All but the goals. */
export function reportFigures(table: Table, capacities: readonly Capacity[]): string {
  return [
    reportNative(table),
    reportCapacities(capacities),
    reportSuites(table),
    reportMixed(table),
  ].filter((lines) => lines.length > 0).map(joined).join("\n");
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

/** One column for each allocator. */
function reportNative(table: Table): string[] {
  const rows = [...table].filter(([name]) => name.startsWith("C: "));
  const names = [...new Set(rows.flatMap(([, measured]) => Object.keys(measured)))];
  if (rows.length === 0) return [];
  const lines = [`C, nanoseconds and ratio to ${names[0]}`, line("", names)];
  for (const [row, measured] of rows) {
    const cells = names.map((name) => cell(measured[name], measured[names[0]!] !== undefined));
    lines.push(line(row.slice("C: ".length), cells));
  }
  return lines;
}

/** One column for each pool. */
function reportCapacities(capacities: readonly Capacity[]): string[] {
  if (capacities.length === 0) return [];
  const pools = [...new Set(capacities.map(({ pool }) => pool))];
  const named = capacities.map((each) => ({
    ...each,
    row: `${each.mebibytes} MiB, blocks of ${each.size} B`,
  }));
  const rows = [...new Set(named.map(({ row }) => row))].map((row) => {
    const found = pools.map((pool) => named.find((each) => each.pool === pool && each.row === row));
    return line(row, found.map((each) => each === undefined ? "-" : percent(each.part)));
  });
  return ["Part of a new pool that blocks get", line("", pools), ...rows];
}

/** One column for each runtime. */
function reportSuites(table: Table): string[] {
  const places = ["Deno", "Bun"];
  const suites = new Set(
    [...table.keys()]
      .filter((name) => places.some((place) => name.startsWith(`${place}: `)))
      .map((name) => name.slice(name.indexOf(": ") + 2)),
  );
  if (suites.size === 0) return [];
  const lines = ["TypeScript, nanoseconds and ratio to the first of the group", line("", places)];
  for (const suite of suites) {
    const measured = places.map((place) => table.get(`${place}: ${suite}`));
    lines.push(suite);
    for (const name of new Set(measured.flatMap((row) => Object.keys(row ?? {})))) {
      const cells = measured.map((row) => cell(row?.[name], true));
      lines.push(line(`  ${name}`, cells));
    }
  }
  return lines;
}

function reportMixed(table: Table): string[] {
  const measured = table.get(MIXED);
  if (measured === undefined) return [];
  const cells = Object.entries(measured).map(([name, figures]) =>
    line(name, [nanoseconds(figures.ns)])
  );
  return ["Both runtimes and C by turns, nanoseconds", ...cells];
}

/** A line for each goal, for structures as well. */
export function reportGoals(goals: readonly Goal[]): string {
  if (goals.length === 0) return "";
  return joined([
    "Goals",
    ...goals.map(({ name, value, limit, reached }) =>
      `${reached ? "reached" : "MISSED "} ${value.padStart(8)}  ${limit.padEnd(14)} ${name}`
    ),
  ]);
}

function line(name: string, cells: readonly string[]): string {
  return name.padEnd(46) + cells.map((cell) => cell.padStart(16)).join("");
}

/** The ratio stands only where the candidate is there that it is taken to. */
function cell(figures: Figure | undefined, hasReference: boolean): string {
  if (figures === undefined) return "-";
  const compared = hasReference ? figures.ratio.toFixed(2) : "";
  return `${nanoseconds(figures.ns)} ${compared.padStart(6)}`;
}

function nanoseconds(value: number): string {
  return value.toFixed(value < 100 ? 2 : 0);
}
