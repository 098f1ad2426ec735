/**
 * Why the library cannot be loaded, in words that say what to do: of platforms, and of what the system's loader answers.
 *
 * @module
 */

/**
 * Why there can be no library at all; undefined if there may be one.
 *
 * @param versions As in `process.versions`; what bundlers for browsers put there has no Node's, every runtime has.
 */
export function hostProblem(versions: { readonly node?: string } | undefined): string | undefined {
  if (versions?.node !== undefined) return undefined;
  return "this is neither Deno nor Bun nor Node; pools need files and native code, which browsers do not have";
}

const processors: readonly string[] = ["x64", "arm64"];

/**
 * Why the package has no library for a platform; undefined if it has one.
 *
 * @param system As in `process.platform`.
 * @param processor As in `process.arch`.
 */
export function platformProblem(system: string, processor: string): string | undefined {
  if (system !== "linux") {
    const advice = system === "win32"
      ? "use it in WSL 2 or in a container"
      : "use it in a container or a virtual machine with Linux";
    return `the package is for Linux, not for ${systems[system] ?? `"${system}"`}; ${advice}`;
  }
  if (processors.includes(processor)) return undefined;
  return `the package has libraries for ${processors.join(" and ")}, not for "${processor}"; ` +
    `build one with "zig build -Dtarget=…" from the sources and name it with setLibrary()`;
}

const systems: Readonly<Record<string, string>> = { darwin: "macOS", win32: "Windows" };

/** What the loaders of glibc and musl say, and what to do then. */
const loaders: readonly (readonly [says: RegExp, advice: string])[] = [
  [
    /static TLS/,
    "libraries that were loaded before have taken the room for thread-local data: make a pool before they are loaded, " +
    "or start the program with GLIBC_TUNABLES=glibc.rtld.optional_static_tls=4096 in its environment",
  ],
  [
    /failed to map segment|Operation not permitted/,
    "the file system of its folder is mounted without the right to execute (noexec), or addresses are short (ulimit -v): " +
    "copy the file to another folder and name it with setLibrary()",
  ],
  [/Permission denied/, "this user may not read the file or its folders"],
  [
    /\/libc\.so: invalid ELF|\blibc\.so: cannot open|libc\.musl/,
    'it is for musl, and this runtime is linked with glibc: take the file without "-musl" in its name',
  ],
  [
    /version .GLIBC_[\d.]+. not found/,
    "it was built for a newer glibc than this system's: take the package's file, or build it with " +
    '"zig build -Dtarget=…" for this system',
  ],
  [
    /ld-linux|GLIBC|Error relocating/,
    'it is for glibc, and this runtime is linked with musl: take the file with "-musl" in its name',
  ],
  [
    /undefined symbol|not found in|ymbol not found/,
    "it is another library, or of another version: install the package again, or name the right file",
  ],
];

/**
 * What to do about a library that the system refused; undefined if that is not known.
 *
 * @param answer The text of the loader.
 */
export function loaderAdvice(answer: string): string | undefined {
  return loaders.find(([says]) => says.test(answer))?.[1];
}
