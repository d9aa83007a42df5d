const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Characters of an id where it stands in a table. */
const SHORT_ID = 12;

/** A number of bytes for people, in powers of 1000 with three figures: `12.3 MB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be shown as 1000.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const figures = unit === 0 ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(figures)} ${UNITS[unit] ?? ""}`;
}

/** How long ago `time` was, for the last month; else its day. Milliseconds since 1970. */
export function formatAge(time: number, now: number): string {
  const age = now - time;
  if (age < -MINUTE || age >= 30 * DAY) return new Date(time).toISOString().slice(0, 10);
  if (age < MINUTE) return "just now";
  if (age < HOUR) return ago(age / MINUTE, "minute");
  if (age < DAY) return ago(age / HOUR, "hour");
  return ago(age / DAY, "day");
}

export function shortId(id: string): string {
  return id.slice(0, SHORT_ID);
}

/** `1 layer`, `3 layers`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

function ago(count: number, unit: string): string {
  return `${counted(Math.floor(count), unit)} ago`;
}
