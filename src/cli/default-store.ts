import { isAbsolute, join, resolve } from "node:path";
import type { Environment } from "./environment.ts";

type Surroundings = Pick<
  Environment,
  "variables" | "workingDirectory" | "homeDirectory" | "isRoot"
>;

/**
 * The directory of the store: `given` (`--store`), else `SIFLET_STORE`, else `/var/lib/siflet` for
 * root and `siflet` in the XDG data directory for everybody else.
 *
 * @see XDG Base Directory Specification: a relative or empty XDG_DATA_HOME counts as not set
 */
export function storeDirectory(given: string | undefined, surroundings: Surroundings): string {
  const { variables, workingDirectory, homeDirectory, isRoot } = surroundings;
  const named = given ?? variables["SIFLET_STORE"] ?? "";
  if (named !== "") return resolve(workingDirectory, named);
  if (isRoot) return "/var/lib/siflet";
  const data = variables["XDG_DATA_HOME"] ?? "";
  return join(isAbsolute(data) ? data : join(homeDirectory, ".local/share"), "siflet");
}
