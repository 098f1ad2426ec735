/** Which C library the runtime itself is linked with: a library for the other one cannot be loaded into it. */
import process from "node:process";

interface Report {
  excludeNetwork: boolean;
  getReport(): { header: { glibcVersionRuntime?: string } };
}

/** Whether it is musl. Needs no permission and opens no file, as a system may have both loaders. */
export function usesMusl(): boolean {
  if (process.platform !== "linux") return false;
  // Deno's report names a glibc wherever it runs.
  const { Deno } = globalThis as unknown as { Deno?: { build: { env?: string } } };
  if (Deno !== undefined) return Deno.build.env === "musl";
  const report = process.report as unknown as Report | undefined;
  if (report === undefined) return false;
  const { excludeNetwork } = report;
  report.excludeNetwork = true; // looking up the names of open connections takes seconds
  try {
    return report.getReport().header.glibcVersionRuntime === undefined;
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}
