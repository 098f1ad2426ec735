/**
 * The occupancy of a pool as a picture: one SVG document without references to anything outside, for light and dark pages. Cells of one
 * colour and shade are one path, so its length is bounded by the number of cells, whatever the pool's size.
 *
 * @module
 */
import { bands, type Survey } from "./occupancy.ts";
import { fullness, inUse, largest, percent, shadeOf } from "./occupancy_text.ts";
import { readableBytes, readableCount } from "./text.ts";

export const columns = 96;
export const rows = 24;

const width = 960;
const margin = 32;
const inner = width - 2 * margin;
const left = 64;
const cell = (inner - left) / columns;
const gap = 1;
const classesMax = 28;
const chartHeight = 150;

const style = `
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 20px; font-weight: 600; }
.quiet { fill: #59636e; }
.small { font-size: 11px; }
.end { text-anchor: end; }
.middle { text-anchor: middle; }
.ground { fill: #ffffff; }
.empty { fill: #eaeef2; }
.line { stroke: #d1d9e0; fill: none; }
.b0 { fill: #0072b2; } .b1 { fill: #009e73; } .b2 { fill: #d98200; } .b3 { fill: #b8518c; }
.cached { fill: #8c96a0; } .slabs { fill: #b6bfc8; } .free { fill: #d3dae1; } .unbacked { fill: #eff2f5; }
.s1 { fill-opacity: .3; } .s2 { fill-opacity: .5; } .s3 { fill-opacity: .75; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.quiet { fill: #9aa4af; }
.ground { fill: #0d1117; }
.empty { fill: #1c232c; }
.line { stroke: #3d444d; }
.b0 { fill: #4aa8e8; } .b1 { fill: #2fc79a; } .b2 { fill: #f0a93a; } .b3 { fill: #e58fc0; }
.cached { fill: #768390; } .slabs { fill: #545d68; } .free { fill: #373e47; } .unbacked { fill: #1c232c; }
}
`;

/** Text inside an element. */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function label(x: number, y: number, text: string, kind = ""): string {
  const attribute = kind === "" ? "" : ` class="${kind}"`;
  return `<text x="${round(x)}" y="${round(y)}"${attribute}>${escape(text)}</text>`;
}

function box(x: number, y: number, w: number, h: number, kind: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${
    round(h)
  }" class="${kind}"/>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The document. */
export function occupancySvg(survey: Survey): string {
  const parts: string[] = [];
  let y = margin + 16;
  for (const draw of [head, shares, map, classChart]) {
    const [drawn, height] = draw(survey, y);
    parts.push(...drawn);
    y += height;
  }
  const height = Math.ceil(y + margin - 16);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escape(summary(survey))}</title>`,
    `<style>${style}</style>`,
    box(0, 0, width, height, "ground"),
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function summary(survey: Survey): string {
  return `${inUse(survey)} of a pool of ${readableBytes(survey.statistics.mapped)}`;
}

/** Elements, and how high they are. */
type Drawing = readonly [readonly string[], number];

function head(survey: Survey, y: number): Drawing {
  const { statistics, inside, outside } = survey;
  const { available, peak, arenas, threads } = statistics;
  return [[
    label(margin, y, summary(survey), "title"),
    label(
      margin,
      y + 24,
      `${readableBytes(available)} available · peak ${readableBytes(peak)} · ` +
        `fragmentation inside size classes ${percent(inside)}, outside ${percent(outside)} · ` +
        `${count(arenas, "arena")}, ${count(threads, "thread")}`,
      "quiet",
    ),
  ], 48];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** A bar: where the storage is, what is in use by band. Addresses without any would leave nothing to see of the rest. */
function shares({ parts, statistics, classes }: Survey, y: number): Drawing {
  const used = bands.map((_, band) => ({
    bytes: classes.reduce((sum, each) => sum + (each.band === band ? each.bytes : 0), 0),
    kind: `b${band}`,
  }));
  const rest = [
    { name: "cached", bytes: parts.cached, kind: "cached" },
    { name: "rest of slabs", bytes: parts.slabs, kind: "slabs" },
    { name: "free pages", bytes: parts.free, kind: "free" },
  ];
  const all = Math.max(1, [...used, ...rest].reduce((sum, { bytes }) => sum + bytes, 0));
  const drawn = [box(margin, y, inner, 18, "empty")];
  let x = margin;
  for (const { bytes, kind } of [...used, ...rest]) {
    const wide = bytes / all * inner;
    if (wide >= 0.01) drawn.push(box(x, y, wide, 18, kind));
    x += wide;
  }
  x = margin;
  const entry = (name: string, bytes: number, swatch: () => string[]): void => {
    const words = `${name} ${readableBytes(bytes)}, ${percent(bytes / all)}`;
    drawn.push(...swatch(), label(x + 16, y + 39, words, "small"));
    x += 32 + words.length * 6;
  };
  entry(
    "in use",
    parts.used,
    () => bands.map((_, band) => box(x + band % 2 * 5, y + 30 + (band >> 1) * 5, 5, 5, `b${band}`)),
  );
  for (const { name, bytes, kind } of rest) {
    entry(name, bytes, () => [box(x, y + 30, 10, 10, kind)]);
  }
  const storage = `of ${readableBytes(statistics.committed)} with storage`;
  drawn.push(label(width - margin, y + 39, storage, "small quiet end"));
  return [drawn, 72];
}

/** The addresses from the first to the last that are or were in use. */
function map(survey: Survey, y: number): Drawing {
  const { cells, cellBytes, used, statistics } = survey;
  const lines = Math.max(1, Math.ceil(cells / columns));
  const top = y + 22;
  const paths = new Map<string, string>();
  for (let index = 0; index < (cells === 0 ? columns : cells); index += 1) {
    const kind = kindOf(used, index, cellBytes);
    const x = margin + left + index % columns * cell;
    const at = top + Math.floor(index / columns) * cell;
    const side = round(cell - gap);
    const path = `M${round(x)} ${round(at)}h${side}v${side}h-${side}z`;
    paths.set(kind, (paths.get(kind) ?? "") + path);
  }
  const reach = `${readableBytes(cells * cellBytes)} of ${readableBytes(statistics.mapped)}`;
  const drawn = [
    label(margin, y + 4, "Map"),
    label(margin + left, y + 4, `${reach}; a cell is ${readableBytes(cellBytes)}`, "small quiet"),
    ...[...paths].map(([kind, path]) => `<path class="${kind}" d="${path}"/>`),
  ];
  for (let line = 0; line < lines; line += lines > 6 ? 4 : 1) {
    const at = readableBytes(line * columns * cellBytes);
    drawn.push(label(margin + left - 8, top + line * cell + 8, at, "small quiet end"));
  }
  const below = top + lines * cell;
  return [[...drawn, ...legend(below + 16)], below - y + 52];
}

/** The colour is that of the band with the most bytes in the cell, the shade says how full the cell is. */
function kindOf(used: Float64Array, index: number, cellBytes: number): string {
  const shade = shadeOf(fullness(used, index, cellBytes));
  if (shade === 0) return "empty";
  let most = 0;
  for (let band = 1; band < bands.length; band += 1) {
    const at = index * bands.length;
    if ((used[at + band] ?? 0) > (used[at + most] ?? 0)) most = band;
  }
  return shade === 4 ? `b${most}` : `b${most} s${shade}`;
}

function legend(y: number): string[] {
  const drawn: string[] = [];
  let x = margin + left;
  const entry = (kind: string, words: string): void => {
    drawn.push(box(x, y, 10, 10, kind), label(x + 16, y + 9, words, "small"));
    x += 32 + words.length * 6;
  };
  bands.forEach(({ name }, band) => entry(`b${band}`, band === 0 ? `blocks ${name}` : name));
  x += 16;
  ["empty", "b0 s1", "b0 s2", "b0 s3", "b0"].forEach((kind, index) => {
    drawn.push(box(x + index * 12, y, 10, 10, kind));
  });
  drawn.push(label(x + 68, y + 9, "empty to full", "small"));
  return drawn;
}

/** Columns by size class: in use, and on top of it what its slabs and caches hold in vain. */
function classChart({ classes }: Survey, y: number): Drawing {
  const shown = largest(classes, classesMax);
  if (shown.length === 0) {
    return [[label(margin, y + 4, "No block was ever allocated", "quiet")], 24];
  }
  const most = Math.max(...shown.map(({ bytes, idle }) => bytes + idle));
  const top = y + 34;
  const bottom = top + chartHeight;
  const hidden = classes.length - shown.length;
  const drawn = [
    label(margin, y + 4, "Size classes"),
    label(
      margin + 96,
      y + 4,
      `bytes in use, and pale what slabs and caches hold beside` +
        `${hidden === 0 ? "" : `; ${hidden} classes with fewer bytes are not shown`}`,
      "small quiet",
    ),
  ];
  for (const share of [0, 0.5, 1]) {
    const at = bottom - share * chartHeight;
    drawn.push(
      `<path class="line" d="M${margin + left} ${round(at)}H${width - margin}"/>`,
      label(margin + left - 8, at + 4, readableBytes(share * most), "small quiet end"),
    );
  }
  const step = Math.min(64, (inner - left) / shown.length);
  shown.forEach(({ size, band, bytes, idle, blocks }, index) => {
    const x = margin + left + index * step + step * 0.15;
    const wide = step * 0.7;
    const usedHeight = bytes / most * chartHeight;
    const idleHeight = idle / most * chartHeight;
    const words =
      `${readableBytes(size)}: ${readableCount(blocks)} blocks, ${readableBytes(bytes)} in use, ` +
      `${readableBytes(idle)} idle`;
    const pale = (kind: string): string =>
      idle === 0 ? "" : box(x, bottom - usedHeight - idleHeight, wide, idleHeight, kind);
    drawn.push(
      `<g><title>${escape(words)}</title>${pale("ground")}${pale(`b${band} s1`)}` +
        box(x, bottom - usedHeight, wide, usedHeight, `b${band}`) + "</g>",
      `<text class="small quiet end" transform="translate(${round(x + wide / 2 + 4)} ${
        round(bottom + 12)
      }) rotate(-45)">${escape(readableBytes(size))}</text>`,
    );
  });
  return [drawn, bottom - y + 64];
}
