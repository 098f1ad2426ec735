/** Run by refused_test.ts: makes a pool on platforms that this is not, such as "win32-x64", and prints how that went as JSON. */
import process from "node:process";
import { Pool } from "../../../mod.ts";

function firstPool(name: string): string {
  const [platform, arch] = name.split("-");
  Object.defineProperties(process, {
    platform: { value: platform, configurable: true },
    arch: { value: arch, configurable: true },
  });
  try {
    Pool.create({ maxSize: "8MiB" }).close();
    return "works";
  } catch (error) {
    return String(error);
  }
}

console.log(JSON.stringify(process.argv.slice(2).map(firstPool)));
