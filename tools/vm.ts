/**
 * Runs a command in a throw-away virtual machine with DAX memory: `deno run -A tools/vm.ts [options] -- COMMAND …`.
 *
 * In the guest `VMEM_TEST_DAX` names a device of DAX, `VMEM_TEST_FSDAX` a folder on a file system mounted with `-o dax`,
 * `VMEM_TEST_HUGETLBFS` one with huge pages. Its files are this machine's; what it writes is gone afterwards.
 *
 * Options: `--check` says whether there can be one here; `--install` gets what is missing, with apt-get (and sudo); the
 * hardware as `--NAME VALUE`, see `Hardware` in vm/machine.ts, for example `--dax 512`.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fetchKernel, findKernel } from "./vm/kernel.ts";
import { runIn } from "./vm/guest.ts";
import { type Hardware, missingPackages, obstacle, usual } from "./vm/machine.ts";

/** What to do where a machine cannot be had. */
export const advice = "deno task vm --install gets what is missing";

/** The usual hardware with what is named differently. */
function hardware(given: ReadonlyMap<string, string>): Hardware {
  const known = Object.entries(usual).map(([name, value]) => {
    const said = given.get(name);
    if (said === undefined) return [name, value] as const;
    if (typeof value === "string") return [name, said] as const;
    if (!/^\d+$/.test(said)) throw new Error(`--${name} is "${said}"; it must be a whole number`);
    return [name, Number(said)] as const;
  });
  for (const name of given.keys()) {
    if (!(name in usual)) throw new Error(`There is no option "--${name}"`);
  }
  return Object.fromEntries(known) as unknown as Hardware;
}

function install(wanted: Hardware): void {
  const packages = missingPackages(wanted);
  if (packages.length > 0) {
    const command = ["apt-get", "install", "-y", "--no-install-recommends", ...packages];
    const words = process.getuid?.() === 0 ? command : ["sudo", ...command];
    const { status } = spawnSync(words[0] ?? "", words.slice(1), { stdio: "inherit" });
    if (status !== 0) throw new Error(`Installing ${packages.join(", ")} failed`);
  }
  if (findKernel() === undefined) fetchKernel();
}

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  const options = new Map<string, string>();
  let action = "";
  while (words[0]?.startsWith("--")) {
    const name = (words.shift() ?? "").slice(2);
    if (name === "") break;
    if (name === "check" || name === "install") action = name;
    else options.set(name, words.shift() ?? "");
  }
  const wanted = hardware(options);
  if (action === "install") install(wanted);
  const missing = obstacle(wanted);
  if (missing !== undefined) {
    console.error(`No virtual machine here: ${missing} (${advice})`);
    return 1;
  }
  if (words.length === 0) return 0;
  return await runIn(wanted, {
    words,
    cwd: process.cwd(),
    environment: {},
    limit: 1800,
    output: (text) => process.stdout.write(text),
  });
}

if (import.meta.main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
