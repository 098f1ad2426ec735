/** Panels of dots on an axis of ratios, one below the other: rows with figures behind them, or two halves with the same rows. */
import { type Latest, originOf } from "../latest.ts";
import type { Row } from "../record.ts";
import {
  type Axis,
  axisOf,
  type Colour,
  line,
  type Mark,
  mark,
  picture,
  place,
  text,
} from "./svg.ts";

/** What is drawn of a row's candidate. */
export interface Series {
  readonly candidate: string;
  readonly name: string;
  readonly shape: Mark;
  readonly colour: Colour;
}

/** A row of dots: its label and what was recorded. */
export type Labelled = readonly [label: string, row: string];

export interface Panel {
  readonly title: string;
  readonly about: string;
  readonly series: readonly Series[];
  readonly reference: string;
  readonly figures: Latest;
}

/** A panel whose rows end with figures. */
export interface Tall extends Panel {
  readonly rows: readonly (Labelled | null)[];
  readonly columns: readonly Column[];
}

/** A panel of two parts side by side, which have the same rows: a row's name is the part's prefix and its own. */
export interface Wide extends Panel {
  readonly rows: readonly Labelled[];
  readonly parts: readonly [head: string, prefix: string][];
}

export interface Column {
  readonly head: string;
  readonly cell: (row: Row) => { readonly words: string; readonly classes?: string };
}

const width = 800;
const step = 21;

/** Panels one below the other. */
export function stacked(title: string, ...panels: readonly ((top: number) => Drawn)[]): string {
  let height = 0;
  const parts = panels.flatMap((draw) => {
    const drawn = draw(height);
    height += drawn.height;
    return drawn.parts;
  });
  const about = "Dots on logarithmic axes of ratios. The figures stand in bench/README.md.";
  return picture({ width, height, title, about }, parts);
}

export interface Drawn {
  readonly parts: readonly string[];
  readonly height: number;
}

const left = 250;

export function drawTall(panel: Tall, top: number): Drawn {
  const { rows } = panel.figures;
  const shown = panel.rows.filter((each) => each === null || rows.has(each[1]));
  const axis = axisFor(panel, shown.flatMap((each) => each === null ? [] : [each[1]]));
  const head = drawHead(panel, top);
  const begin = top + head.height;
  const ends = [left, 658] as const;
  let bottom = begin + 14;
  const parts = shown.flatMap((each) => {
    if (each === null) {
      bottom += 8;
      return [];
    }
    const [label, name] = each;
    const row = rows.get(name)!;
    bottom += step;
    const centre = bottom - step / 2;
    return [
      text(left - 14, centre + 4, label, "ink end"),
      ...dots(panel, row, axis, centre, ends),
      ...panel.columns.map(({ cell }, i) => {
        const { words, classes = "ink" } = cell(row);
        return text(718 + 64 * i, centre + 4, words, `${classes} end`);
      }),
    ];
  });
  const heads = panel.columns.map(({ head }, i) =>
    text(718 + 64 * i, begin + 4, head, "soft small end")
  );
  return ended([...head.parts, ...heads, ...drawAxis(axis, [begin, bottom], ends), ...parts], {
    panel,
    top,
    bottom,
  });
}

export function drawWide(panel: Wide, top: number): Drawn {
  const { rows } = panel.figures;
  const names = panel.parts.flatMap(([, prefix]) => panel.rows.map(([, row]) => prefix + row));
  const axis = axisFor(panel, names);
  const head = drawHead(panel, top);
  const begin = top + head.height + 18;
  const bottom = begin + 14 + panel.rows.length * step;
  const centre = (i: number): number => begin + 14 + (i + 0.5) * step;
  const labels = panel.rows.map(([label], i) => text(left - 14, centre(i) + 4, label, "ink end"));
  const parts = panel.parts.flatMap(([name, prefix], half) => {
    const ends = [left + 280 * half, left + 250 + 280 * half] as const;
    return [
      text((ends[0] + ends[1]) / 2, begin - 14, name, "ink strong middle"),
      ...drawAxis(axis, [begin, bottom], ends),
      ...panel.rows.flatMap(([, name], i) => {
        const row = rows.get(prefix + name);
        return row === undefined ? [] : dots(panel, row, axis, centre(i), ends);
      }),
    ];
  });
  return ended([...head.parts, ...labels, ...parts], { panel, top, bottom });
}

/** The panel with the origin of its figures below. */
function ended(
  parts: readonly string[],
  { panel, top, bottom }: { panel: Panel; top: number; bottom: number },
): Drawn {
  const origin = text(780, bottom + 22, originOf(panel.figures.entries), "soft small end");
  return { parts: [...parts, origin], height: bottom + 32 - top };
}

function axisFor({ figures, series }: Panel, names: readonly string[]): Axis {
  const rows = names.map((name) => figures.rows.get(name)).filter((row) => row !== undefined);
  return axisOf(
    rows.flatMap((row) => series.flatMap(({ candidate }) => row[candidate]?.ratio ?? [])),
  );
}

/** The title, what is to be known, and what the marks mean. */
function drawHead({ title, about, series, reference }: Panel, top: number): Drawn {
  const parts = [text(20, top + 30, title, "ink title")];
  parts.push(text(20, top + 49, about, "soft small"));
  let x = 26;
  const y = top + 72;
  for (const { name, shape, colour } of [...series].reverse()) {
    parts.push(mark(x, y - 4, shape, colour), text(x + 10, y, name));
    x += 34 + 6.6 * name.length;
  }
  parts.push(line([x, y - 10], [x, y + 2], "grey-line wide"), text(x + 8, y, `${reference} (1)`));
  return { parts, height: 100 };
}

function drawAxis(
  axis: Axis,
  [top, bottom]: readonly [number, number],
  ends: readonly [number, number],
): string[] {
  return axis.ticks.flatMap((tick) => {
    const x = place(axis, ends, tick);
    const classes = tick === 1 ? "ink strong" : "soft";
    return [
      line([x, top + 10], [x, bottom], tick === 1 ? "grey-line wide" : undefined),
      text(x, top + 4, String(tick), `${classes} small middle`),
    ];
  });
}

/** Marks of one row. Ours are larger and below, so that no peer is hidden behind them. */
function dots(
  { series }: Panel,
  row: Row,
  axis: Axis,
  y: number,
  ends: readonly [number, number],
): string[] {
  return [...series].reverse().flatMap(({ candidate, name, shape, colour }) => {
    const figure = row[candidate];
    if (figure === undefined) return [];
    const about = `${name}: ${figure.ratio.toPrecision(2)}, ${time(figure.ns)}`;
    return [mark(place(axis, ends, figure.ratio), y, shape, colour, about)];
  });
}

/** Nanoseconds with three digits and a unit. */
export function time(ns: number): string {
  const units = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]] as const;
  const [factor, unit] = units.find(([factor]) => ns >= factor) ?? [1, "ns"];
  const value = ns / factor;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
}
