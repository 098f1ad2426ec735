/** The soak, briefly: `deno task soak` is the long one. */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { program, run } from "./child.ts";

test("workers that do random things to pools which are closed under them leave nothing", () => {
  const { status, signal, output } = run(program("../soak/soak.ts", "100000", "3", "5"));
  assertEquals({ status, signal }, { status: 0, signal: null }, output);
  // What Deno says of the workers that throw comes after it.
  const line = output.split("\n").find((each) => each.startsWith("{")) ?? "";
  const { operations, closedInUse, ended } = JSON.parse(line) as Record<string, number>;
  assert(operations !== undefined && operations >= 100_000, line);
  assert(closedInUse !== undefined && ended !== undefined, line);
});
