/**
 * What a test runner's report says: how many tests passed, failed and were skipped. Leaves only, never groups.
 */

/** A test that did not run. `where` is `file:line`, where its reason stands. */
export interface Skip {
  readonly name: string;
  readonly where: string;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly Skip[];
}

/** One check without counts of its own. */
export function one(passed: boolean): Counts {
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: [] };
}

export function sum(all: readonly Counts[]): Counts {
  return {
    passed: all.reduce((total, counts) => total + counts.passed, 0),
    failed: all.reduce((total, counts) => total + counts.failed, 0),
    skipped: all.flatMap((counts) => counts.skipped),
  };
}

/**
 * Counts that agree with the exit status: a runner that ended badly has failed once more than it could say, and one that ran
 * nothing (a filter or a folder that matches no test) has failed too.
 */
export function settle(counts: Counts, status: number | null): Counts {
  const silent = counts.failed === 0 && status !== 0;
  const nothing = counts.passed + counts.failed + counts.skipped.length === 0;
  return silent || nothing ? { ...counts, failed: counts.failed + 1 } : counts;
}

interface Case {
  readonly name: string;
  readonly suite: string;
  readonly where: string;
  readonly body: string;
}

/** The counts in a JUnit file of `deno test`, `bun test` or `node --test`. */
export function fromJunit(xml: string): Counts {
  const cases = [...xml.matchAll(/<testcase((?:[^">]|"[^"]*")*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)]
    .map(([, attributes = "", body = ""]): Case => {
      const file = attribute(attributes, "file") ?? attribute(attributes, "classname") ?? "";
      const where = `${file.replace(/^\.\//, "")}:${attribute(attributes, "line") ?? "?"}`;
      return {
        name: attribute(attributes, "name") ?? "",
        suite: attribute(attributes, "classname") ?? "",
        where,
        body,
      };
    });
  // Deno reports a describe() as a case of its file, and what is inside as cases of its own node:test module.
  const inner = cases.filter((entry) => entry.suite.startsWith("ext:"));
  const leaves = cases.filter((entry) =>
    !inner.some((other) => other.name.startsWith(`${entry.name} > `))
  );
  const failed = leaves.filter((entry) => /<(failure|error)\b/.test(entry.body));
  const skipped = leaves.filter((entry) => /<skipped\b/.test(entry.body));
  return {
    passed: leaves.length - failed.length - skipped.length,
    failed: failed.length,
    skipped: skipped.map(({ name, where, body }) => {
      // Node gives the reason, and no line.
      const reason = attribute(/<skipped\b([^>]*)>/.exec(body)?.[1] ?? "", "message");
      return reason === undefined ? { name, where } : { name: `${name}: ${reason}`, where: "" };
    }),
  };
}

function attribute(text: string, name: string): string | undefined {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(text)?.[1];
  return value?.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'").replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}

/** The counts in what `zig build … --summary all` prints. A unit test says `skipped: reason` on a line of its own. */
export function fromZig(text: string): Counts {
  const line = /; (\d+)\/(\d+) tests passed(?: \((?:(\d+) skipped)?)?/.exec(text);
  if (line === null) return { passed: 0, failed: 0, skipped: [] };
  const [passed, total, skipped] = [line[1], line[2], line[3]].map((digits) => Number(digits ?? 0));
  const count = skipped ?? 0;
  const reasons = [...text.matchAll(/^\s*skipped: (.+)$/gm)].map(([, reason]) => reason);
  return {
    passed: passed ?? 0,
    failed: (total ?? 0) - (passed ?? 0) - count,
    skipped: Array.from({ length: count }, (_, index) => ({
      name: reasons[index] ?? "a unit test that gives no reason",
      where: "zig",
    })),
  };
}

/**
 * The reason why the test at `line` (from 1) of `source` is skipped: the text in the expression behind `skip:`, or the last
 * text in the declaration of the constant that stands there. Undefined if it is written some other way.
 */
export function skipReason(source: string, line: number): string | undefined {
  const from = source.split("\n").slice(Math.max(0, line - 1), line + 8).join("\n");
  const option = /\bskip(?=\s*[:,}])(?:\s*:((?:"[^"]*"|[^"}])*))?/.exec(from);
  if (option === null) return undefined;
  const value = option[1] ?? "skip";
  return lastText(value) ?? lastText(declarationOf(source, /^\s*([\w$]+)/.exec(value)?.[1] ?? ""));
}

function lastText(expression: string): string | undefined {
  const texts = expression.match(/"[^"]*"|`[^`]*`/g)?.filter((text) => text.length > 2);
  return texts?.at(-1)?.slice(1, -1);
}

function declarationOf(source: string, name: string): string {
  const escaped = name.replaceAll("$", "\\$");
  return new RegExp(`\\bconst ${escaped}\\b([\\s\\S]*?);\\n`).exec(source)?.[1] ?? "";
}
