import { ImageError, isRecord, kindOf, parseStrictJson } from "../image/index.ts";
import { CosignError } from "./cosign-error.ts";
import { PolicyObject } from "./policy-object.ts";
import { parseSignedName, type SignedIdentity } from "./signed-identity.ts";

/** Where a key or a certificate of a policy is: in a file, or in the policy itself. */
export type PolicySource =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "data"; readonly bytes: Uint8Array };

/** Who must have signed, by a policy. */
export type SigstoreTrust =
  | { readonly kind: "keys"; readonly keys: readonly PolicySource[] }
  | {
      readonly kind: "fulcio";
      readonly roots: PolicySource;
      readonly issuer: string;
      readonly email: string;
    }
  | {
      readonly kind: "pki";
      readonly roots: PolicySource;
      readonly intermediates: PolicySource | undefined;
      readonly email: string | undefined;
      readonly host: string | undefined;
    };

/** One thing that a policy asks of an image. */
export type PolicyRequirement =
  | { readonly type: "insecureAcceptAnything" | "reject" | "signedBy" }
  | {
      readonly type: "sigstoreSigned";
      readonly trust: SigstoreTrust;
      /** Keys of logs, one of which must have seen the signature; undefined: none needs to. */
      readonly logs: readonly PolicySource[] | undefined;
      readonly signedIdentity: SignedIdentity;
    };

/** What a policy.json says: by transport and scope what is asked, all of it, of each image. */
export interface ContainersPolicy {
  readonly source: string;
  readonly default: readonly PolicyRequirement[];
  readonly transports: ReadonlyMap<string, ReadonlyMap<string, readonly PolicyRequirement[]>>;
}

/**
 * Reads a policy.json as strictly as the tools that share it: a member that is unknown, twice there or of
 * a wrong type refuses all of it, since a policy that is half understood lets in what it should not.
 *
 * @param source - the file, for messages
 * @throws CosignError `POLICY_INVALID`
 * @see containers-policy.json(5); registry.md §12.4
 */
export function parsePolicyJson(bytes: Uint8Array, source: string): ContainersPolicy {
  const policy = PolicyObject.of(readJson(bytes, source), source);
  policy.only("default", "transports");
  const transports = new Map<string, ReadonlyMap<string, readonly PolicyRequirement[]>>();
  for (const [name, scopes] of policy.optionalMembers("transports")) {
    const byScope = new Map<string, readonly PolicyRequirement[]>();
    const place = `${source}: transports.${name}`;
    if (!isRecord(scopes)) throw wrong(place, "an object", scopes);
    for (const [scope, list] of Object.entries(scopes)) {
      byScope.set(scope, readList(list, `${place}[${JSON.stringify(scope)}]`));
    }
    transports.set(name, byScope);
  }
  return { source, default: readList(policy.get("default"), `${source}: default`), transports };
}

function readJson(bytes: Uint8Array, source: string): unknown {
  try {
    return parseStrictJson(bytes, source);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new CosignError("POLICY_INVALID", error.message, { cause: error });
  }
}

function readList(value: unknown, place: string): readonly PolicyRequirement[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw wrong(place, "a list of requirements with one or more in it", value);
  }
  return value.map((each: unknown, index) =>
    readRequirement(PolicyObject.of(each, `${place}[${index}]`)),
  );
}

function readRequirement(fields: PolicyObject): PolicyRequirement {
  const type = fields.text("type");
  switch (type) {
    case "insecureAcceptAnything":
    case "reject":
      fields.only("type");
      return { type };
    case "signedBy":
      // What it asks for is read by nobody here, but a misspelt member refuses the file as elsewhere.
      fields.only("type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity");
      fields.oneOf("keyPath", "keyPaths", "keyData");
      fields.text("keyType");
      readIdentity(fields);
      return { type };
    case "sigstoreSigned":
      return readSigstoreSigned(fields);
    default:
      throw fields.wrong("type", "the type of a requirement");
  }
}

const LOG_KEYS = [
  "rekorPublicKeyPath",
  "rekorPublicKeyPaths",
  "rekorPublicKeyData",
  "rekorPublicKeyDatas",
] as const;

function readSigstoreSigned(fields: PolicyObject): PolicyRequirement {
  const own = ["keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki"] as const;
  fields.only("type", "signedIdentity", ...own, ...LOG_KEYS);
  const given = fields.oneOf(...own);
  const logs = fields.atMostOneOf(...LOG_KEYS);
  if (given === "fulcio" && logs === undefined) {
    throw fields.wrong(
      "rekorPublicKeyPath",
      "the key of a log, without which fulcio proves no time",
    );
  }
  return {
    type: "sigstoreSigned",
    trust: readTrust(fields, given),
    logs: logs === undefined ? undefined : fields.sources(logs),
    signedIdentity: readIdentity(fields),
  };
}

function readTrust(fields: PolicyObject, given: string): SigstoreTrust {
  switch (given) {
    case "fulcio": {
      const fulcio = fields.object("fulcio");
      fulcio.only("caPath", "caData", "oidcIssuer", "subjectEmail");
      const roots = fulcio.source(fulcio.oneOf("caPath", "caData"));
      const [issuer, email] = [fulcio.text("oidcIssuer"), fulcio.text("subjectEmail")];
      return { kind: "fulcio", roots, issuer, email };
    }
    case "pki": {
      const pki = fields.object("pki");
      const middle = ["caIntermediatesPath", "caIntermediatesData"] as const;
      pki.only("caRootsPath", "caRootsData", ...middle, "subjectEmail", "subjectHostname");
      const roots = pki.source(pki.oneOf("caRootsPath", "caRootsData"));
      const given = pki.atMostOneOf(...middle);
      const [email, host] = [pki.optionalText("subjectEmail"), pki.optionalText("subjectHostname")];
      if (email === undefined && host === undefined) {
        throw pki.wrong("subjectEmail", "whose certificate it must be");
      }
      const intermediates = given === undefined ? undefined : pki.source(given);
      return { kind: "pki", roots, intermediates, email, host };
    }
    default:
      return { kind: "keys", keys: fields.sources(given) };
  }
}

function readIdentity(fields: PolicyObject): SignedIdentity {
  if (!fields.has("signedIdentity")) return { type: "matchRepoDigestOrExact" };
  const identity = fields.object("signedIdentity");
  const type = identity.text("type");
  switch (type) {
    case "matchExact":
    case "matchRepoDigestOrExact":
    case "matchRepository":
      identity.only("type");
      return { type };
    case "exactReference": {
      identity.only("type", "dockerReference");
      const reference = parseSignedName(identity.text("dockerReference"));
      if (reference?.suffix === undefined) {
        throw identity.wrong("dockerReference", "a reference with a tag or a digest");
      }
      return { type, reference };
    }
    case "exactRepository": {
      identity.only("type", "dockerRepository");
      const name = parseSignedName(identity.text("dockerRepository"));
      if (name === undefined) throw identity.wrong("dockerRepository", "a repository");
      return { type, repository: name.repository };
    }
    case "remapIdentity": {
      identity.only("type", "prefix", "signedPrefix");
      const [prefix, signedPrefix] = [identity.prefix("prefix"), identity.prefix("signedPrefix")];
      return { type, prefix, signedPrefix };
    }
    default:
      throw identity.wrong("type", "the type of an identity");
  }
}

function wrong(place: string, expected: string, got: unknown): CosignError {
  return new CosignError("POLICY_INVALID", `${place}: expected ${expected}, got ${kindOf(got)}`);
}
