/** Pools that nobody closed: what the collector says, and what becomes of their memory. In programs of their own. */
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { program, run } from "./child.ts";

interface Outcome {
  /** What was said, by line. */
  readonly said: readonly string[];
  readonly before: number;
  readonly after: number;
  readonly kept: number;
  readonly numbers: readonly number[];
}

function forget(way: string): Outcome {
  const { status, output } = run(program("children/collected.ts", way));
  assertEquals(status, 0, output);
  const lines = output.trim().split("\n");
  const last = lines.findIndex((line) => line.startsWith("{"));
  return {
    said: lines.filter((_, index) => index !== last),
    ...JSON.parse(lines[last] ?? "") as Omit<Outcome, "said">,
  };
}

test("a pool that is collected without close says so once, and its storage goes back", () => {
  const { said, before, after } = forget("forget");
  assertEquals([before, after], [20, 0]);
  assertEquals(said.length, 1, said.join("\n"));
  assertMatch(said[0] ?? "", /^vmem: a pool was garbage collected without being closed.*"using"/);
});

test("a traced pool that is collected names where it was made, once for each place", () => {
  const { said, before, after } = forget("forget traced");
  assertEquals([before, after], [6, 0]);
  assertEquals(said.length, 2, said.join("\n"));
  for (const words of said) assertMatch(words, /^vmem: the pool made at \S+collected\.ts:\d+:\d+ /);
  assert(said[0] !== said[1]);
});

test("trace: false keeps a pool silent that is collected", () => {
  assertEquals(forget("forget silently"), { said: [], before: 5, after: 0, kept: 0, numbers: [] });
});

test("pools that were closed, their scopes and attachments, are never spoken of", () => {
  for (const way of ["close", "forget attachments"]) {
    assertEquals(forget(way), { said: [], before: 0, after: 0, kept: 0, numbers: [] }, way);
  }
});

test("a region whose pool was collected can be another pool's", () => {
  const { said, before, after } = forget("forget regions");
  assertEquals([before, after, said.length], [0, 0, 1], said.join("\n"));
});

test("a pool that a struct or a scope leads to is not collected", () => {
  const { said, before, after, kept } = forget("keep");
  assertEquals([before, after, kept], [3, 2, 3], said.join("\n"));
  assertEquals(said.length, 1);
});

test("an attachment outlives the pool that was collected where it was made", () => {
  const { said, before, after, numbers } = forget("keep an attachment");
  assertEquals([before, after, said.length, numbers[0]], [1, 1, 1, 0.5], said.join("\n"));
});

test("arrays and views outlive their pool with what is in them", () => {
  const outcome = forget("keep bytes");
  assertEquals(outcome, { said: [], before: 2, after: 2, kept: 2, numbers: [0.5, 0.5, 7, 7] });
});

test("a program that ends with open pools says nothing of them", () => {
  const { status, output } = run(program("children/exits.ts", "return"));
  assertEquals([status, output], [0, ""]);
});
