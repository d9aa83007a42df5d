import { type ImageName, isAbsent, isRecord, kindOf } from "../image/index.ts";
import { CosignError } from "./cosign-error.ts";
import { nameScopes } from "./policy-scope.ts";

/** One file of a registries.d, out of its YAML. */
export interface RegistriesFile {
  /** For messages. */
  readonly source: string;
  readonly value: unknown;
}

/** Whether signatures that lie beside an image are looked for, as operators write it. */
export interface AttachmentRules {
  readonly default: boolean;
  readonly byScope: ReadonlyMap<string, boolean>;
}

/**
 * Reads which registries have signatures beside their images. What else the files say, other tools read.
 *
 * @param files - all of the directory
 * @throws CosignError `POLICY_INVALID` for a scope that is there twice, or a wrong type
 * @see containers-registries.d(5); registry.md §12.4
 */
export function readAttachmentRules(files: readonly RegistriesFile[]): AttachmentRules {
  const byScope = new Map<string, boolean>();
  let common: { readonly source: string; readonly value: boolean } | undefined;
  for (const { source, value } of files) {
    if (isAbsent(value)) continue;
    if (!isRecord(value)) throw wrong(source, "an object", value);
    const { docker, "default-docker": own } = value;
    if (!isAbsent(own)) {
      if (common !== undefined) throw wrong(source, `one default-docker, also in ${common.source}`);
      common = { source, value: readFlag(own, `${source}: default-docker`) };
    }
    if (isAbsent(docker)) continue;
    if (!isRecord(docker)) throw wrong(`${source}: docker`, "an object", docker);
    for (const [scope, rule] of Object.entries(docker)) {
      if (byScope.has(scope)) throw wrong(`${source}: docker.${scope}`, "each scope once");
      byScope.set(scope, readFlag(rule, `${source}: docker.${scope}`));
    }
  }
  return { default: common?.value ?? false, byScope };
}

/** The most specific rule decides, and no other: what it does not say is no. */
export function hasAttachments(rules: AttachmentRules, name: ImageName): boolean {
  const scope = nameScopes(name).find((each) => rules.byScope.has(each));
  return scope === undefined ? rules.default : rules.byScope.get(scope) === true;
}

function readFlag(rule: unknown, place: string): boolean {
  if (isAbsent(rule)) return false;
  if (!isRecord(rule)) throw wrong(place, "an object", rule);
  const flag = rule["use-sigstore-attachments"];
  if (isAbsent(flag)) return false;
  if (typeof flag === "boolean") return flag;
  throw wrong(`${place}.use-sigstore-attachments`, "true or false", flag);
}

function wrong(place: string, expected: string, ...got: readonly unknown[]): CosignError {
  const came = got.length === 0 ? "" : `, got ${kindOf(got[0])}`;
  return new CosignError("POLICY_INVALID", `${place}: expected ${expected}${came}`);
}
