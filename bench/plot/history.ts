/** The history of the goals that matter most: one small picture for each, over the recorded runs. */
import { keyOf, limitOf, runsOf, valueOf } from "../latest.ts";
import type { Entry } from "../record.ts";
import { line, mark, path, picture, text } from "./svg.ts";

/** A goal's name as {@linkcode keyOf} has it, and what stands above its picture. */
const series: readonly (readonly [key: string, title: string])[] = [
  ["pair 64, to the best", "malloc and free, 64 B"],
  ["pair 4096, to the best", "malloc and free, 4 KiB"],
  ["live 1000, to the best", "1 000 live blocks"],
  ["live 10000, to the best", "10 000 live blocks"],
  ["live 100000, to the best", "100 000 live blocks"],
  ["large live 10000, to the best", "10 000 live, 16 to 64 KiB"],
  ["exchange 64, 2 threads, to the best", "each frees the other's, 64 B"],
  ["produce and consume 64, to the best", "one allocates, one frees"],
  ["grow by 64 to 1 MiB, to the best", "realloc in steps to 1 MiB"],
  ["instructions of a 64 B pair in the library", "instructions of a 64 B pair"],
  ["malloc and free on Deno, to two bare calls + 1.5 C pairs", "malloc and free on Deno ¹"],
  ["malloc and free on Bun, to two bare calls + 1.5 C pairs", "malloc and free on Bun ¹"],
  ["Deno: sum to plain objects, at most 0.3", "Deno: sum of a field ²"],
  ["Deno: list to plain objects, at most 0.3", "Deno: list ²"],
  ["Deno: tree to plain objects, at most 0.95", "Deno: search tree ²"],
  ["Bun: sum to plain objects, at most 0.3", "Bun: sum of a field ²"],
  ["Bun: list to plain objects, at most 1.1", "Bun: list ²"],
  ["Bun: tree to plain objects, at most 0.95", "Bun: search tree ²"],
];

interface Point {
  readonly date: string;
  readonly commit: string;
  readonly value: number;
  readonly limit: number;
  readonly reached: boolean;
}

const width = 800;
const columns = 3;
const cell = { width: 256, height: 140 };

export function drawHistory(entries: readonly Entry[]): string {
  const shown = series.map(([key, title]) => ({ title, points: pointsOf(entries, key) }))
    .filter(({ points }) => points.length > 0);
  const top = 70;
  const cells = shown.flatMap(({ title, points }, i) =>
    drawCell(
      title,
      points,
      20 + (i % columns) * cell.width,
      top + Math.floor(i / columns) * cell.height,
    )
  );
  const bottom = top + Math.ceil(shown.length / columns) * cell.height;
  return picture(
    {
      width,
      height: bottom + 46,
      title: "vmem's goals over the recorded runs",
      about: "Small pictures, one for each goal. The last figures stand in bench/README.md.",
    },
    [
      text(20, 30, "Main ratios over the recorded runs, less is better", "ink title"),
      text(
        20,
        49,
        "In C to the fastest of jemalloc, mimalloc and tcmalloc in each turn. Dashed: the goal; red misses it.",
        "soft small",
      ),
      ...cells,
      text(
        20,
        bottom + 14,
        "¹ To two native calls that do nothing and 1.5 pairs in C.",
        "soft small",
      ),
      text(20, bottom + 30, "² To plain objects, the best face of structs.", "soft small"),
    ],
  );
}

/** The figures of a goal in the runs that have it; a run's limit is the one of its time. */
function pointsOf(entries: readonly Entry[], key: string): Point[] {
  const runs = [...runsOf(entries, "bench"), ...runsOf(entries, "bench:structs")];
  return runs.flatMap(({ date, commit, goals }) =>
    goals.filter((goal) => keyOf(goal) === key).map((goal) => ({
      date,
      commit: commit.replace("+", ""),
      value: valueOf(goal),
      limit: limitOf(goal),
      reached: goal.reached,
    }))
  ).sort((a, b) => a.date.localeCompare(b.date));
}

function drawCell(title: string, points: readonly Point[], left: number, top: number): string[] {
  const plot = { left: left + 30, right: left + cell.width - 58, top: top + 30, bottom: top + 96 };
  const highest = Math.max(...points.flatMap(({ value, limit }) => [value, limit])) * 1.1;
  const x = (index: number): number =>
    points.length === 1
      ? plot.right
      : plot.left + (plot.right - plot.left) * index / (points.length - 1);
  const y = (value: number): number => plot.bottom - (plot.bottom - plot.top) * value / highest;
  const places = points.map(({ value }, i) => [x(i), y(value)] as const);
  const first = points[0]!;
  const last = points.at(-1)!;
  const goal = y(last.limit);
  const beside = y(last.value) + 4;
  return [
    text(left, top + 14, title, "ink strong"),
    line([plot.left, plot.bottom], [plot.right, plot.bottom]),
    text(plot.left - 8, plot.bottom + 4, "0", "soft small end"),
    line([plot.left, goal], [plot.right, goal], "grey-line dash"),
    text(plot.left - 8, goal + 4, String(last.limit), "soft small end"),
    path(places, `open ${last.reached ? "own" : "late"}-line`),
    ...points.map((point, i) => {
      const about = `${figure(point.value)}, ${point.date}, ${point.commit}`;
      const [missed, met] = point === last ? ["ring", "disc"] as const : ["dot", "dot"] as const;
      const [shape, colour] = point.reached ? [met, "own"] as const : [missed, "late"] as const;
      return mark(x(i), y(point.value), shape, colour, about);
    }),
    text(plot.right + 12, beside, figure(last.value), `${last.reached ? "own" : "late"} strong`),
    ...points.length > 1 ? named(first, plot.left, plot.bottom, "") : [],
    ...named(last, plot.right, plot.bottom, " end"),
  ];
}

/** Commit and day of a point, below the axis. */
function named({ commit, date }: Point, x: number, y: number, classes: string): string[] {
  const words = [commit, date.slice(0, 10)];
  return words.map((each, i) => text(x, y + 14 + 12 * i, each, `soft small${classes}`));
}

function figure(value: number): string {
  return value < 10 ? value.toFixed(2) : String(value);
}
