const MS_OF: ReadonlyMap<string, number> = new Map([
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
  ["w", 604_800_000],
]);

/** What `parseDuration` reads, for messages. */
export const DURATION_FORM = "a whole number with s, m, h, d or w";

/** Milliseconds of `90s`, `30m`, `2h`, `7d`, `1w`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const unit = MS_OF.get(text.slice(-1));
  const digits = text.slice(0, -1);
  if (unit === undefined || !/^[0-9]{1,9}$/.test(digits)) return undefined;
  const ms = Number(digits) * unit;
  // A later time than this no Date can hold, and so nothing could show it.
  return ms <= 3_000_000_000_000 ? ms : undefined;
}
