const KiB = 1024;

const UNITS: ReadonlyMap<string, number> = new Map([
  ["B", 1],
  ["kB", 1000],
  ["KB", 1000],
  ["MB", 1000 ** 2],
  ["GB", 1000 ** 3],
  ["TB", 1000 ** 4],
  ["KiB", KiB],
  ["MiB", KiB ** 2],
  ["GiB", KiB ** 3],
  ["TiB", KiB ** 4],
]);

/** Largest first; those that `formatSizeExactly` writes. */
const WRITTEN_UNITS = ["TiB", "TB", "GiB", "GB", "MiB", "MB", "KiB", "kB"] as const;

/**
 * Bytes of a size as people write it: digits, and where it is not plain bytes a unit of 1000s (`kB`
 * or `KB`, `MB`, `GB`, `TB`) or of 1024s (`KiB`, `MiB`, `GiB`, `TiB`), one space between allowed.
 *
 * @returns undefined for anything else, and for more than 2^53 - 1 bytes
 */
export function parseSize(text: string): number | undefined {
  const [, digits, unit = "B"] = /^([0-9]{1,16})(?: ?([kKMGT]?i?B))?$/.exec(text) ?? [];
  const factor = UNITS.get(unit);
  if (digits === undefined || factor === undefined) return undefined;
  const bytes = Number(digits) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The shortest text that `parseSize` reads as exactly `bytes`: `10GiB`, `500MB`, `4095`. */
export function formatSizeExactly(bytes: number): string {
  const unit = bytes === 0 ? undefined : WRITTEN_UNITS.find((name) => bytes % factorOf(name) === 0);
  return unit === undefined ? String(bytes) : `${bytes / factorOf(unit)}${unit}`;
}

function factorOf(unit: string): number {
  return UNITS.get(unit) ?? 1;
}
