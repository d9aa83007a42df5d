import type { SignatureEvidence } from "../image/index.ts";

/** What a group of an execution control list asks for; sif.md §5.4. */
export type ControlMode = "whitelist" | "whitestrict" | "blacklist";

/** Who must have signed, or must not, what lies in a directory. */
export interface ControlGroup {
  readonly name: string;
  readonly mode: ControlMode;
  /** Absolute; "" for every directory that no other group is for. */
  readonly directory: string;
  /** 40 lower-case hex digits each. */
  readonly fingerprints: readonly string[];
}

/** One `ecl.toml` that is switched on. */
export interface ExecutionControlList {
  /** The file. */
  readonly path: string;
  readonly legacyInsecure: boolean;
  readonly groups: readonly ControlGroup[];
}

/**
 * Why a list refuses a file of `directory`; undefined where it accepts it.
 *
 * Every mode asks for a file that is signed and whose signatures are all valid, as the reference does. Of
 * legacy ones those of the root file system count, where the list takes such.
 *
 * @see sif.md §5.4
 */
export function refusalOf(
  { path, groups, legacyInsecure }: ExecutionControlList,
  directory: string,
  signatures: readonly SignatureEvidence[],
  groupCount: number,
): string | undefined {
  const group =
    groups.find((one) => one.directory === directory) ?? groups.find((one) => one.directory === "");
  if (group === undefined) return `${path} has no group for ${directory}`;
  const what = `${path}: ${group.name}`;
  const counted = signatures.filter(
    ({ verdict, format, covers }) =>
      verdict !== "ignored" &&
      (format !== "legacy" || (legacyInsecure && (covers.primary || verdict === "broken"))),
  );
  if (counted.length === 0) return `${what} asks for signatures, and there are none`;
  const other = counted.find(({ verdict }) => verdict !== "valid");
  if (other !== undefined) {
    return `${what} asks for valid signatures, and that in object ${other.object} is not: ${other.reason ?? ""}`;
  }
  const groupsOf = (fingerprint: string): number =>
    new Set(
      counted
        .filter(({ signer }) => signer?.fingerprint === fingerprint)
        .map(({ covers }) => covers.group),
    ).size;
  switch (group.mode) {
    case "whitelist":
      return group.fingerprints.some((one) => groupsOf(one) >= groupCount)
        ? undefined
        : `${what} asks for a signature of all groups by one of ${group.fingerprints.length} keys`;
    case "whitestrict": {
      const absent = group.fingerprints.find((one) => groupsOf(one) < groupCount);
      return absent === undefined
        ? undefined
        : `${what} asks for a signature of all groups by ${absent}`;
    }
    case "blacklist": {
      const named = group.fingerprints.find((one) => groupsOf(one) > 0);
      return named === undefined ? undefined : `${what} forbids what ${named} signed`;
    }
  }
}
