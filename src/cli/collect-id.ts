import { usageError } from "./cli-error.ts";

const MAX_ID = 0x0fffffff;

/** Gathers the numbers of groups or objects of a SIF file. */
export function collectId(value: string, before: readonly number[] = []): readonly number[] {
  const id = Number(value);
  if (/^[0-9]+$/.test(value) && id >= 1 && id <= MAX_ID) return [...before, id];
  throw usageError(`expected the number of a group or object, got ${JSON.stringify(value)}`);
}
