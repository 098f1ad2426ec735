/**
 * Tokens: how a pool is named to another worker.
 *
 * @module
 */
import { VmemError } from "./errors.ts";
import * as native from "./native.ts";
import { EBADF } from "./refuse.ts";
import { errorNames } from "./symbols.ts";
import { show } from "./text.ts";

/**
 * The name of an open pool, to be posted to a worker of the same process, which attaches the pool by it. It is text, and
 * what it says is nobody's business: it may be different in the next version.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Pool, type PoolToken } from "@vmem/vmem";
 *
 * using pool = Pool.create();
 * const token: PoolToken = structuredClone(pool.token);
 * using same = Pool.attach(token);
 * assertEquals(same.token, pool.token);
 * ```
 */
export type PoolToken = string & { readonly __brand: "PoolToken" };

/** `vmem:INSTANCE:HANDLE` to base 32. */
export function tokenOf(handle: number): PoolToken {
  return `vmem:${native.instance().toString(32)}:${handle.toString(32)}` as PoolToken;
}

/** The handle of the token's pool, to which the thread is attached from now on. */
export function attachToken(token: unknown): number {
  const action = "Cannot attach to a pool";
  const [, instance, handle] = typeof token === "string"
    ? /^vmem:([0-9a-v]{1,11}):([1-9a-v][0-9a-v]{0,10})$/.exec(token) ?? []
    : [];
  if (instance === undefined || handle === undefined) {
    throw new TypeError(`${action}: it must be the token of one, not ${show(token)}`);
  }
  if (parseInt(instance, 32) !== native.instance()) {
    throw new TypeError(
      `${action}: the token is of another process, or of another copy of the native library`,
    );
  }
  const number = parseInt(handle, 32);
  const status = native.attach(number);
  if (status === 0) return number;
  const reason = status === -EBADF ? "the pool is closed" : errorNames[-status];
  throw new VmemError(-status, `${action}: ${reason}`);
}
