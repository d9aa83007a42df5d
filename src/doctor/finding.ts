/**
 * - `ok`: as it should be
 * - `note`: good to know
 * - `warning`: works, but not for everybody, not always or not well
 * - `problem`: something that siflet or a runtime is asked to do here will fail
 */
export type Status = "ok" | "note" | "warning" | "problem";

export type Topic =
  "configuration" | "node" | "store" | "kernel" | "runtimes" | "registries" | "libraries";

/** A value as JSON holds it. */
export type Fact = string | number | boolean | null | readonly string[];

/** What one check found. */
export interface Finding {
  readonly topic: Topic;
  /** Name of the check, for scripts: one word or several with hyphens. */
  readonly check: string;
  readonly status: Status;
  /** One line. */
  readonly text: string;
  /** One line: what to do. Every problem and every warning has one. */
  readonly remedy?: string;
  /** What was measured, for scripts: sizes in bytes. */
  readonly facts?: Readonly<Record<string, Fact>>;
}

const BY_SEVERITY: readonly Status[] = ["problem", "warning", "note"];

/** The worst of what was found. */
export function worstOf(findings: readonly Finding[]): Status {
  const found = new Set(findings.map(({ status }) => status));
  return BY_SEVERITY.find((status) => found.has(status)) ?? "ok";
}
