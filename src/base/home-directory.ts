import { isAbsolute } from "node:path";

/**
 * The user's home directory: `HOME`, else what the system's list of users has. An empty or relative
 * one counts as not set: settings would be looked for, and images kept, wherever siflet is called.
 *
 * @param variable - the value of `HOME`
 * @param listed - looks into the list; throws for a user who is not in it
 * @returns undefined where there is none
 */
export function homeDirectory(
  variable: string | undefined,
  listed: () => string,
): string | undefined {
  if (variable !== undefined && isAbsolute(variable)) return variable;
  try {
    const directory = listed();
    return isAbsolute(directory) ? directory : undefined;
  } catch {
    // A container or a service may run as a number that no user has.
    return undefined;
  }
}
