/**
 * Checks that a shell elsewhere runs, one after the other: the script for it, and what it says turned into counts.
 */
import { type Counts, one, sum } from "./counts.ts";

export interface Check {
  readonly name: string;
  /** What a shell runs: status 0 passed, 77 cannot run there, anything else failed. */
  readonly command: string;
}

const skipStatus = 77;

/** Each check's status follows its output, on a line of its own. */
export function script(checks: readonly Check[]): string {
  return checks.map(({ command }, index) =>
    `(${command}\n); status=$?; echo; echo "### ${index} $status"`
  ).join("\n");
}

/** Counts what the script says as it says it, with a line for each check and the output of those that did not pass. */
export class Report {
  readonly #checks: readonly Check[];
  readonly #say: (line: string) => void;
  readonly #counts: Counts[] = [];
  #text = "";
  #begin = performance.now();

  constructor(checks: readonly Check[], say: (line: string) => void) {
    this.#checks = checks;
    this.#say = say;
  }

  add(text: string): void {
    this.#text += text;
    let end: RegExpExecArray | null;
    while ((end = /^### (\d+) (\d+)\n/m.exec(this.#text)) !== null) {
      const output = this.#text.slice(0, end.index).trim();
      this.#text = this.#text.slice(end.index + end[0].length);
      this.#count(this.#checks[Number(end[1])]?.name ?? "", Number(end[2]), output);
    }
  }

  #count(name: string, status: number | undefined, output: string): void {
    const seconds = ((performance.now() - this.#begin) / 1000).toFixed(1);
    this.#begin = performance.now();
    const skipped = status === skipStatus;
    const failed = status === undefined ? "not run" : `failed with ${status}`;
    this.#say(`${name}: ${status === 0 ? "passed" : skipped ? "skipped" : failed}, ${seconds} s`);
    if (status !== 0 && output !== "") this.#say(output);
    this.#counts.push(
      skipped ? { passed: 0, failed: 0, skipped: [{ name, where: "" }] } : one(status === 0),
    );
  }

  /** The counts; checks that did not come to their end have failed. */
  finish(): Counts {
    for (const { name } of this.#checks.slice(this.#counts.length)) {
      this.#count(name, undefined, this.#text.trim());
      this.#text = "";
    }
    return sum(this.#counts);
  }
}
