/** Whether a value out of JSON is an object; lists and null are none. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a member says nothing: absent or null, which Go's writers put for each other. */
export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** What a value out of JSON is, in words for messages; never its content, which is a stranger's. */
export function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (value === "") return "an empty string";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/**
 * The members of an object of strings, null read as ""; undefined for anything else.
 *
 * All are own members of the result, `__proto__` too: `fromEntries` defines and never assigns.
 */
export function stringMembers(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isRecord(value)) return undefined;
  const members: [string, string][] = [];
  for (const [name, each] of Object.entries(value)) {
    if (typeof each !== "string" && each !== null) return undefined;
    members.push([name, each ?? ""]);
  }
  return Object.fromEntries(members);
}

/** The items of a list of strings; undefined for anything else. */
export function stringItems(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items: string[] = [];
  for (const each of value as readonly unknown[]) {
    if (typeof each !== "string") return undefined;
    items.push(each);
  }
  return items;
}
