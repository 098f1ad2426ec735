/** A goal with what was measured, in the words of the report. */
export interface Goal {
  readonly name: string;
  readonly value: string;
  readonly limit: string;
  readonly reached: boolean;
}

/** A goal that a number must not exceed. The limit is compared with the number as it is, not as it is printed. */
export function atMost(name: string, value: number, limit: number, unit = ""): Goal {
  return {
    name,
    value: `${value.toFixed(2)}${unit}`,
    limit: `at most ${limit}${unit}`,
    reached: value <= limit,
  };
}

export function percent(part: number): string {
  return `${(part * 100).toFixed(2)} %`;
}
