/** The three runtimes by their names, for programs that run on the one of their user's choice. */
import { bun, deno } from "./bun.ts";
import { nodePath, programOptions } from "./node.ts";

/** Their names, as in `--runtime node`. */
export const runtimes = ["deno", "bun", "node"] as const;

/**
 * Program and first arguments that run a TypeScript file of the repository.
 *
 * @param permissions What the program may do, where the runtime is Deno.
 * @throws Error There is no such runtime.
 */
export function commandFor(
  runtime: string,
  permissions: readonly string[],
): readonly [string, ...string[]] {
  if (runtime === "deno") return [deno(), "run", ...permissions];
  if (runtime === "bun") return bun();
  if (runtime === "node") return [nodePath(), ...programOptions];
  throw new Error(`--runtime is "${runtime}"; it must be deno, bun or node`);
}

/** Takes `--NAME VALUE` out of the words of a command line. */
export function option(words: string[], name: string): string | undefined {
  const at = words.indexOf(`--${name}`);
  return at < 0 ? undefined : words.splice(at, 2)[1] ?? "";
}
