/**
 * The occupancy of a pool as text.
 *
 * @module
 */
import { bands, type Survey, type SurveyedClass } from "./occupancy.ts";
import { readableBytes, readableCount } from "./text.ts";

export const columns = 64;
export const rows = 16;

const shades = ["·", "░", "▒", "▓", "█"] as const;
const barWidth = 32;
/** Lines of the table of classes; those with the fewest bytes are summed up. */
const classesMax = 24;

/** A map, the totals, and a table of the size classes. */
export function occupancyText(survey: Survey): string {
  return [head(survey), "", ...map(survey), "", ...totals(survey), "", ...classTable(survey), ""]
    .join("\n");
}

function head(survey: Survey): string {
  const { mapped, available } = survey.statistics;
  return `${inUse(survey)} of a pool of ${readableBytes(mapped)}, ${
    readableBytes(available)
  } available`;
}

/** "12.3 MiB in 1,234 blocks". */
export function inUse({ parts, blocks }: Survey): string {
  const count = `${readableCount(blocks)} ${blocks === 1 ? "block" : "blocks"}`;
  return `${readableBytes(parts.used)} in ${count}`;
}

function map({ cells, cellBytes, used }: Survey): string[] {
  const lines: string[] = [];
  for (let first = 0; first < Math.max(1, cells); first += columns) {
    let line = "";
    for (let cell = first; cell < Math.min(cells, first + columns); cell += 1) {
      line += shades[shadeOf(fullness(used, cell, cellBytes))];
    }
    lines.push(`${readableBytes(first * cellBytes).padStart(9)} |${line.padEnd(columns)}|`);
  }
  return [
    ...lines,
    `${" ".repeat(10)}a place is ${readableBytes(cellBytes)}: · empty, ░ ▒ ▓ a third each, █ full`,
  ];
}

/** The share of a cell that is in use. */
export function fullness(used: Float64Array, cell: number, cellBytes: number): number {
  let sum = 0;
  for (let band = 0; band < bands.length; band += 1) sum += used[cell * bands.length + band] ?? 0;
  return sum / cellBytes;
}

/** 0 empty, 4 full but for what no block fits into. */
export function shadeOf(full: number): 0 | 1 | 2 | 3 | 4 {
  if (full === 0) return 0;
  if (full >= 0.97) return 4;
  return full < 1 / 3 ? 1 : full < 2 / 3 ? 2 : 3;
}

function totals({ parts, statistics, inside, outside }: Survey): string[] {
  const { committed, peak } = statistics;
  const amount = (name: string, bytes: number): string =>
    `${name.padEnd(14)}${readableBytes(bytes).padStart(9)}`;
  const lines = ([
    ["in use", parts.used],
    ["cached", parts.cached],
    ["rest of slabs", parts.slabs],
    ["free pages", parts.free],
  ] as const).map(([name, bytes]) => {
    const share = committed === 0 ? 0 : bytes / committed;
    const bar = "█".repeat(Math.round(share * barWidth)).padEnd(barWidth, "·");
    return `${amount(name, bytes)}  ${bar} ${percent(share).padStart(7)}`;
  });
  return [
    ...lines,
    `${amount("storage", committed)}  and addresses for ${readableBytes(parts.unbacked)} more`,
    `${amount("peak", peak)}  of pages in use`,
    "",
    `fragmentation: ${
      percent(inside)
    } of the pages in use are in no block in use (inside size classes),`,
    `               ${percent(outside)} of the free room is not the largest free piece (outside)`,
  ];
}

/** "12.3 %"; what is not nothing does not show as nothing. */
export function percent(share: number): string {
  if (share > 0 && share < 0.001) return "< 0.1 %";
  return `${(share * 100).toFixed(1)} %`;
}

function classTable({ classes }: Survey): string[] {
  if (classes.length === 0) return ["no block was ever allocated"];
  const shown = largest(classes, classesMax);
  const most = Math.max(1, ...shown.map(({ bytes, idle }) => bytes + idle));
  const lines = shown.map(({ size, blocks, bytes, idle }) => {
    const full = Math.round(bytes / most * barWidth);
    const all = Math.max(full, Math.round((bytes + idle) / most * barWidth));
    const bar = "█".repeat(full) + "░".repeat(all - full);
    return `${readableBytes(size).padStart(9)}  ${readableCount(blocks).padStart(9)}  ` +
      `${readableBytes(bytes).padStart(9)}  ${readableBytes(idle).padStart(9)}  ${bar}`.trimEnd();
  });
  const left = classes.length - shown.length;
  return [
    "     size     blocks     in use       idle  █ in use ░ idle: free in slabs and caches",
    ...lines,
    ...left === 0 ? [] : [`and ${left} classes with fewer bytes`],
  ];
}

/** The classes with the most bytes, by size. */
export function largest(classes: readonly SurveyedClass[], count: number): SurveyedClass[] {
  if (classes.length <= count) return [...classes];
  return classes.toSorted((a, b) => b.bytes + b.idle - a.bytes - a.idle).slice(0, count)
    .sort((a, b) => a.size - b.size);
}
