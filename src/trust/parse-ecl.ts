import { isAbsolute, normalize } from "node:path";
import { ProblemAt, type LocatedValue } from "../base/index.ts";
import { booleanIn, entriesIn, listIn, parseToml, refusal } from "../toml/index.ts";
import type { ControlGroup, ControlMode, ExecutionControlList } from "./execution-control-list.ts";
import { TrustError } from "./trust-error.ts";

const MODES: readonly ControlMode[] = ["whitelist", "whitestrict", "blacklist"];
const KEYS: readonly string[] = ["activated", "legacyinsecure", "execgroup"];
const GROUP_KEYS: readonly string[] = ["tagname", "mode", "dirpath", "keyfp"];

/**
 * Reads an execution control list of Singularity's or Apptainer's.
 *
 * @param path - the file, for messages
 * @returns undefined for one that is not switched on
 * @throws TrustError `TRUST_LIST` for what is none: a typo must not let anything pass
 * @see sif.md §5.4
 */
export function parseEcl(text: string, path: string): ExecutionControlList | undefined {
  try {
    const root = new Map(parseToml(text).entries.map((entry) => [entry.key, entry]));
    for (const { key, line } of root.values()) requireKnown(key, KEYS, line);
    const isOn = (key: string): boolean => {
      const value = root.get(key)?.value;
      return value !== undefined && booleanIn(value, key);
    };
    const listed = root.get("execgroup")?.value;
    const groups = listed === undefined ? [] : listIn(listed, "execgroup").map(groupOf);
    const twice = groups.find(
      ({ directory }, index) => groups.findIndex((one) => one.directory === directory) < index,
    );
    if (twice !== undefined) {
      throw new ProblemAt(listed?.line ?? 1, `dirpath: ${JSON.stringify(twice.directory)} twice`);
    }
    return isOn("activated") ? { path, legacyInsecure: isOn("legacyinsecure"), groups } : undefined;
  } catch (error) {
    if (!(error instanceof ProblemAt)) throw error;
    const message = `${path}:${error.line}: ${error.message}`;
    throw new TrustError("TRUST_LIST", message, { cause: error });
  }
}

function groupOf(located: LocatedValue): ControlGroup {
  const members = new Map(entriesIn(located, "execgroup").map((entry) => [entry.key, entry]));
  for (const { key, line } of members.values()) requireKnown(key, GROUP_KEYS, line);
  const text = (key: string): string | undefined => {
    const value = members.get(key)?.value;
    if (value === undefined) return undefined;
    if (value.kind === "scalar" && typeof value.value === "string") return value.value;
    throw refusal(value, `${key}: expected a text`);
  };
  const name = text("tagname") ?? "";
  const directory = text("dirpath") ?? "";
  if (
    directory !== "" &&
    (!isAbsolute(directory) || normalize(`${directory}/`) !== `${directory}/`)
  ) {
    const line = members.get("dirpath")?.line ?? located.line;
    throw new ProblemAt(
      line,
      `dirpath: expected a clean absolute path, got ${JSON.stringify(directory)}`,
    );
  }
  const word = text("mode") ?? "";
  const mode = MODES.find((one) => one === word);
  if (mode === undefined) {
    const line = members.get("mode")?.line ?? located.line;
    throw new ProblemAt(
      line,
      `mode: expected one of ${MODES.join(", ")}, got ${JSON.stringify(word)}`,
    );
  }
  const keys = members.get("keyfp")?.value;
  const fingerprints = keys === undefined ? [] : listIn(keys, "keyfp").map(fingerprintOf);
  return { name, mode, directory, fingerprints };
}

function fingerprintOf(located: LocatedValue): string {
  if (located.kind === "scalar" && typeof located.value === "string") {
    if (/^[0-9a-fA-F]{40}$/.test(located.value)) return located.value.toLowerCase();
  }
  throw refusal(located, "keyfp: expected 40 hex digits");
}

function requireKnown(key: string, known: readonly string[], line: number): void {
  if (known.includes(key)) return;
  throw new ProblemAt(
    line,
    `unknown key ${JSON.stringify(key)}: expected one of ${known.join(", ")}`,
  );
}
