import { printable } from "./printable.ts";

/** What a warning looks like. */
export function warningLine(message: string): string {
  return `siflet: warning: ${printable(message)}`;
}
