/** Tables of Markdown, for the documents and for terminals. */
import type { Goal } from "./goal.ts";

/** A table; all columns but the first hold figures, at the right. */
export function markdown(heads: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = heads.map((head, i) =>
    Math.max(3, head.length, ...lines.map((cells) => cells[i]?.length ?? 0))
  );
  const row = (cells: readonly string[]): string =>
    `| ${
      cells.map((each, i) => i === 0 ? each.padEnd(widths[i]!) : each.padStart(widths[i]!)).join(
        " | ",
      )
    } |`;
  const rule = widths.map((width, i) => i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`);
  return [heads, rule, ...lines].map(row).join("\n");
}

export function goalTable(goals: readonly Goal[]): string {
  const lines = goals.map(({ name, limit, value, reached }) => [
    name,
    limit,
    value,
    reached ? "reached" : "**missed**",
  ]);
  return markdown(["Goal", "Limit", "Measured", ""], lines);
}
