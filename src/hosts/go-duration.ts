const MS_OF: ReadonlyMap<string, number> = new Map([
  ["ns", 1e-6],
  ["us", 1e-3],
  ["µs", 1e-3], // micro sign
  ["μs", 1e-3], // Greek letter
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/**
 * Milliseconds of a duration as Go programs write it: `30s`, `1m30s`, `1.5h`, `0`. Signs are not
 * taken: nothing here goes backwards.
 *
 * @returns undefined for any other text
 * @see Go, time.ParseDuration
 */
export function parseGoDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (text === "" || text.length > 100) return undefined;
  PART.lastIndex = 0;
  let ms = 0;
  while (PART.lastIndex < text.length) {
    const part = PART.exec(text);
    if (part === null) return undefined;
    ms += Number(part[1]) * (MS_OF.get(part[2] ?? "") ?? NaN);
  }
  return Number.isFinite(ms) ? ms : undefined;
}
