/** How an object tells what the console shows of it. */

/** Writes a value as the runtime does. */
export type Inspect = (value: unknown, options: unknown) => string;

/**
 * The properties that runtimes look for: Deno calls its own with (inspect, options), Node and Bun theirs with (depth, options,
 * inspect).
 *
 * @param text What to show.
 */
export function inspection(
  text: (of: object, inspect: Inspect, options: unknown) => string,
): PropertyDescriptorMap {
  return {
    [Symbol.for("nodejs.util.inspect.custom")]: {
      configurable: true,
      value(this: object, _depth: number, options: unknown, inspect: Inspect): string {
        return text(this, inspect, options);
      },
    },
    [Symbol.for("Deno.customInspect")]: {
      configurable: true,
      value(this: object, inspect: Inspect, options: unknown): string {
        return text(this, inspect, options);
      },
    },
  };
}
