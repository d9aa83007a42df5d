const LEVEL_CHARS = 5;
/** What needs no quotes. */
const PLAIN = /^[^\s"=]+$/;

/**
 * A record as somebody reads it: time, level and message, then `name=value` for each field; a stack follows
 * in lines that begin with spaces, as no record does.
 */
export function humanLine(record: Readonly<Record<string, unknown>>): string {
  const { time, level, message, stack, ...fields } = record;
  const parts = [
    String(time),
    String(level).toUpperCase().padEnd(LEVEL_CHARS),
    String(message),
    ...Object.entries(fields).flatMap(([name, value]) => pairs(name, value)),
  ];
  const below = Array.isArray(stack) ? stack.map((line) => `\n    ${String(line)}`) : [];
  return `${parts.join(" ")}${below.join("")}\n`;
}

function pairs(name: string, value: unknown): string[] {
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([member, inner]) => pairs(`${name}.${member}`, inner));
  }
  const text = String(value);
  return [`${name}=${PLAIN.test(text) ? text : JSON.stringify(text)}`];
}
