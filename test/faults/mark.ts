export const INSTANTS = ["before", "middle", "EIO", "ENOSPC"] as const;

/** What becomes of a call: killed before it or after half of its bytes, or failed with an error. */
export type Instant = (typeof INSTANTS)[number];

/** One call that changes a file. */
export interface Mark {
  /** The call and its path within the store, without what differs from run to run. */
  readonly name: string;
  /** Of the calls of that name in one thread the so-manieth, from 1. */
  readonly count: number;
}

/** A mark, and what happens there. */
export interface MarkFault extends Mark {
  readonly instant: Instant;
}

export function formatFault({ name, count, instant }: MarkFault): string {
  return `${instant} ${count} ${name}`;
}

/** @throws Error for what `formatFault` did not make */
export function parseFault(text: string | undefined): MarkFault | undefined {
  if (text === undefined) return undefined;
  const [, word, count, name] = /^(\w+) ([0-9]+) (.+)$/.exec(text) ?? [];
  const instant = INSTANTS.find((each) => each === word);
  if (instant === undefined || name === undefined) throw new Error(`no fault: ${text}`);
  return { instant, count: Number(count), name };
}
