/**
 * Drawing of pictures for pages that are read by day and by night: every colour is a class, whose value the reader's
 * colour scheme chooses. The picture paints its own background, since the page around it may have another scheme.
 */

/** Marks differ in shape as well as in colour, for those who do not tell the colours apart, and for paper. */
export type Mark = "disc" | "ring" | "dot" | "square" | "triangle" | "diamond" | "bar";

/** Classes of colours: `own` is vmem, the others peers; `late` is what misses a goal. */
export type Colour = "own" | "green" | "orange" | "grey" | "faint" | "late";

const light: Readonly<Record<Colour | "ink" | "soft" | "line" | "paper", string>> = {
  paper: "#ffffff",
  ink: "#1f2328",
  soft: "#59636e",
  line: "#d8dee4",
  own: "#0072b2",
  green: "#00805d",
  orange: "#c4560a",
  grey: "#6e7781",
  faint: "#8c959f",
  late: "#c4360a",
};

const dark: typeof light = {
  paper: "#0d1117",
  ink: "#e6edf3",
  soft: "#9aa4af",
  line: "#30363d",
  own: "#58b4f0",
  green: "#3fc79a",
  orange: "#f0a04b",
  grey: "#b1bac4",
  faint: "#848d97",
  late: "#ff8a65",
};

function rules(colours: typeof light): string {
  const edge = `.edge{stroke:${colours.paper};stroke-width:.8}`; // marks that touch stay apart
  return Object.entries(colours)
    .map(([name, colour]) => `.${name}{fill:${colour}}.${name}-line{stroke:${colour}}`).join("") +
    edge;
}

const style = `text{font:12px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}` +
  `.title{font-size:15px;font-weight:600}.small{font-size:11px}.strong{font-weight:600}` +
  `.end{text-anchor:end}.middle{text-anchor:middle}.open{fill:none}line,path{stroke-width:1}` +
  `.wide{stroke-width:2}.dash{stroke-dasharray:4 3}`;

/** A whole picture; `title` and `about` are what is read out where it cannot be seen. */
export function picture(
  { width, height, title, about }: {
    readonly width: number;
    readonly height: number;
    readonly title: string;
    readonly about: string;
  },
  parts: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title about">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="about">${escaped(about)}</desc>`,
    `<style>${style}${rules(light)}@media (prefers-color-scheme:dark){${rules(dark)}}</style>`,
    `<rect class="paper" width="${width}" height="${height}" rx="6"/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

export function text(x: number, y: number, words: string, classes = "ink"): string {
  return `<text x="${at(x)}" y="${at(y)}" class="${classes}">${escaped(words)}</text>`;
}

export function line(
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  classes = "line-line",
): string {
  return `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" class="${classes}"/>`;
}

export function path(points: readonly (readonly [number, number])[], classes: string): string {
  const [first, ...others] = points.map(([x, y]) => `${at(x)} ${at(y)}`);
  return `<path d="M${first}${others.map((each) => `L${each}`).join("")}" class="${classes}"/>`;
}

export function mark(x: number, y: number, shape: Mark, colour: Colour, about = ""): string {
  const named = about === "" ? "" : `<title>${escaped(about)}</title>`;
  const polygon = (...corners: readonly (readonly [number, number])[]): string => {
    const points = corners.map(([dx, dy]) => `${at(x + dx)},${at(y + dy)}`).join(" ");
    return `<polygon points="${points}" class="${colour} edge">${named}</polygon>`;
  };
  switch (shape) {
    case "disc":
      return `<circle cx="${at(x)}" cy="${at(y)}" r="5.5" class="${colour}">${named}</circle>`;
    case "ring":
      return `<circle cx="${at(x)}" cy="${
        at(y)
      }" r="5" class="open wide ${colour}-line">${named}</circle>`;
    case "dot":
      return `<circle cx="${at(x)}" cy="${at(y)}" r="2.5" class="${colour}">${named}</circle>`;
    case "square":
      return polygon([-3.6, -3.6], [3.6, -3.6], [3.6, 3.6], [-3.6, 3.6]);
    case "triangle":
      return polygon([0, -4.8], [4.6, 3.4], [-4.6, 3.4]);
    case "diamond":
      return polygon([0, -4.8], [4.8, 0], [0, 4.8], [-4.8, 0]);
    case "bar":
      return polygon([-1, -6], [1, -6], [1, 6], [-1, 6]);
  }
}

/** An axis on which equal steps are equal ratios. */
export interface Axis {
  readonly ends: readonly [number, number];
  readonly ticks: readonly number[];
}

/** The axis that has room for all of these values, and for 1. */
export function axisOf(values: readonly number[]): Axis {
  const [least, most] = [Math.min(1, ...values), Math.max(1, ...values)];
  const margin = 1 + 0.06 * Math.log2(2 + most / least);
  const ends = [least / margin, most * margin] as const;
  const tens = [0.001, 0.01, 0.1, 1, 10, 100];
  const steps = most / least > 8 ? [1, 3] : [0.5, 0.7, 1, 1.4, 2, 3];
  const ticks = tens.flatMap((ten) => steps.map((each) => Number((ten * each).toPrecision(1 + 1))));
  return {
    ends,
    ticks: [...new Set(ticks)].filter((tick) => tick > ends[0] && tick < ends[1]),
  };
}

/** Where a value lies on an axis from `left` to `right`. */
export function place(
  { ends: [from, to] }: Axis,
  [left, right]: readonly [number, number],
  value: number,
): number {
  return left + (right - left) * Math.log(value / from) / Math.log(to / from);
}

/** The same digits on every machine. */
function at(value: number): string {
  return String(Number(value.toFixed(1)));
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
