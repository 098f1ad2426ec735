import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { commandFor, option } from "./runtimes.ts";

test("option() takes an option and its value out of the words", () => {
  const words = ["a", "--runtime", "node", "b"];
  assertEquals(option(words, "runtime"), "node");
  assertEquals(words, ["a", "b"]);
  assertEquals(option(words, "runtime"), undefined);
  assertEquals(option(["--runtime"], "runtime"), "");
});

test("commandFor() gives Deno the permissions and refuses other names", () => {
  assertEquals(commandFor("deno", ["--allow-ffi"]).slice(1), ["run", "--allow-ffi"]);
  const error = assertThrows(() => commandFor("quickjs", []), Error);
  assert(error.message.includes(`--runtime is "quickjs"; it must be deno, bun or node`));
});
