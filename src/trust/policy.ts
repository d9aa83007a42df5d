import type { TrustNames, TrustRule } from "../config/index.ts";
import { matchesNamePattern } from "../image/index.ts";
import type { ExecutionControlList } from "./execution-control-list.ts";

/** What decides whether an image may be used. */
export interface TrustPolicy {
  /** For every image that no pattern is for. */
  readonly rule: TrustRule;
  readonly names: TrustNames;
  /** Whether signatures of before Singularity 3.6 count. */
  readonly legacyInsecure: boolean;
  /** Lists of Singularity's; each of them must accept a file, too. */
  readonly lists: readonly ExecutionControlList[];
  /** Where the rules stand; absent: in no file. */
  readonly file?: string | undefined;
}

/** The rule for one image, and where it stands. */
export interface ChosenRule extends TrustRule {
  /** `trust`, or `trust.names` with the pattern, and the file. */
  readonly where: string;
}

/** Nothing has to be signed, and nothing may be signed badly; design decision 9. */
export const DEFAULT_POLICY: TrustPolicy = {
  rule: { mode: "if-signed", signers: [], atLeast: 1 },
  names: {},
  legacyInsecure: false,
  lists: [],
};

/**
 * The rule for an image of a name: of all patterns that fit the one that says most of the name, which is
 * an exact one first and then the one with the most characters.
 *
 * @param name - canonical, as a store records it; undefined for an image without one
 */
export function ruleFor({ rule, names, file }: TrustPolicy, name: string | undefined): ChosenRule {
  const inFile = file === undefined ? "" : ` in ${file}`;
  const fitting = Object.keys(names)
    .filter((pattern) => name !== undefined && matchesNamePattern(name, [pattern]))
    .sort((a, b) => weight(b) - weight(a) || (a < b ? -1 : 1));
  const [pattern] = fitting;
  if (pattern === undefined) return { ...rule, where: `trust${inFile}` };
  return { ...rule, ...names[pattern], where: `trust.names: ${pattern}${inFile}` };
}

function weight(pattern: string): number {
  const characters = pattern.replaceAll("*", "").length;
  return pattern.includes("*") ? characters : characters + 1_000_000;
}
