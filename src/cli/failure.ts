import { inspect } from "node:util";
import { CodedError } from "../base/index.ts";
import { EXIT, EXIT_CODES, isErrorCode } from "./exit-codes.ts";
import { printable } from "./printable.ts";

/** An error as the command line answers it. */
export interface Failure {
  /** One line, without its end. */
  readonly line: string;
  readonly exitCode: number;
}

/** What to say of `error`, and with what code to exit. */
export function failureOf(error: unknown): Failure {
  const cause = unwrap(error);
  const message = cause instanceof Error ? cause.message || cause.name : String(cause);
  const code: unknown = cause instanceof CodedError ? cause.code : undefined;
  return {
    line: `siflet: ${printable(message)}`,
    exitCode: isErrorCode(code) ? EXIT_CODES[code] : EXIT.unexpected,
  };
}

/** The stack of `error` with its causes, fit for a terminal. */
export function stackOf(error: unknown): string {
  // `inspect` shows causes and suppressed errors; its lines are kept, what else they hold is not.
  return inspect(unwrap(error))
    .split("\n")
    .map((line) => " ".repeat(line.search(/[^ ]|$/)) + printable(line))
    .join("\n");
}

/** What failed first: an error while releasing something hides it otherwise. */
function unwrap(error: unknown): unknown {
  let first = error;
  while (first instanceof SuppressedError) first = first.suppressed as unknown;
  return first;
}
