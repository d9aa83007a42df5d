import { isAbsolute } from "node:path";
import { ProblemAt, type LocatedEntry, type LocatedValue } from "../base/index.ts";
import { isNamePattern, NAME_PATTERN_FORM } from "../image/index.ts";
import { choiceKind, countKind, pathKind, type ValueKind } from "./value-kinds.ts";

/** Whether an image must be signed, or must only not be signed badly. */
export type TrustMode = "if-signed" | "required";

/** Somebody whose signature counts. */
export type TrustedSigner =
  /** 40 lower-case hex digits, of an OpenPGP primary key. */
  | { readonly kind: "openpgp"; readonly fingerprint: string }
  /** Absolute path of a public key in PEM. */
  | { readonly kind: "pem"; readonly path: string }
  /** Absolute paths: of the signer's certificate, behind which intermediate ones may stand, and of roots. */
  | {
      readonly kind: "certificate";
      readonly path: string;
      readonly roots: string;
      /** What the certificate must be issued to, such as `O=Example, CN=Release`. */
      readonly subject?: string;
    }
  /** Whom a Sigstore authority gives certificates to; signs images in registries alone. */
  | {
      readonly kind: "keyless";
      /** A name that the certificate must have, to the letter: mail address, URI or user name. */
      readonly identity: string;
      /** The OpenID issuer that must have vouched for it. */
      readonly issuer: string;
      /** Absolute path of a trusted root of Sigstore (`trusted_root.json`). */
      readonly root: string;
    };

/** What an image needs to be accepted. */
export interface TrustRule {
  readonly mode: TrustMode;
  /** Whose signatures count under `required`. */
  readonly signers: readonly TrustedSigner[];
  /** How many of them must have signed. */
  readonly atLeast: number;
}

/** Rules by patterns of names; what a rule leaves out it has from the one for all images. */
export type TrustNames = Readonly<Record<string, Partial<TrustRule>>>;

const FINGERPRINT = /^[0-9a-f]{40}$/;
const MOST_SIGNERS = 100;

export const trustModeKind: ValueKind<TrustMode> = choiceKind(["if-signed", "required"]);
export const signerCountKind: ValueKind<number> = countKind({ least: 1, most: MOST_SIGNERS });

export const signersKind: ValueKind<readonly TrustedSigner[]> = {
  parse(located) {
    if (located.kind === "list" && located.items.length <= MOST_SIGNERS) {
      return located.items.map(signerOf);
    }
    throw new ProblemAt(located.line, `expected a list of at most ${MOST_SIGNERS} signers`);
  },
  format: (signers) => `[${signers.map(formatSigner).join(", ")}]`,
  toJson: (signers) => signers.map(formatSigner),
};

function signerOf(located: LocatedValue): TrustedSigner {
  if (located.kind === "map") return signerOfKeys(located.entries, located.line);
  const text = located.kind === "scalar" ? located.value : undefined;
  if (typeof text === "string") {
    // As GnuPG prints it, in groups of four.
    const fingerprint = text.replaceAll(" ", "").toLowerCase();
    if (FINGERPRINT.test(fingerprint)) return { kind: "openpgp", fingerprint };
    if (isAbsolute(text)) return { kind: "pem", path: pathKind.parse(located) };
  }
  throw new ProblemAt(
    located.line,
    "expected a signer: the 40 digits of an OpenPGP key in quotes, the absolute path of a public key, " +
      "or keys certificate, roots and subject, or keys identity, issuer and root; " +
      `got ${JSON.stringify(text ?? "a list")}`,
  );
}

const CERTIFICATE_KEYS = ["certificate", "roots", "subject"] as const;
const KEYLESS_KEYS = ["identity", "issuer", "root"] as const;

function signerOfKeys(entries: readonly LocatedEntry[], line: number): TrustedSigner {
  const given = new Map(entries.map(({ key, value }) => [key, value]));
  const isKeyless = KEYLESS_KEYS.some((key) => given.has(key));
  const keys: readonly string[] = isKeyless ? KEYLESS_KEYS : CERTIFICATE_KEYS;
  const unknown = entries.find(({ key }) => !keys.includes(key));
  if (unknown !== undefined) {
    throw new ProblemAt(
      unknown.line,
      `unknown key ${JSON.stringify(unknown.key)}: expected ${keys.slice(0, -1).join(", ")} and ${keys.at(-1) ?? ""}`,
    );
  }
  return isKeyless ? keylessOf(given, line) : certificateOf(given, line);
}

function certificateOf(given: ReadonlyMap<string, LocatedValue>, line: number): TrustedSigner {
  const certificate = given.get("certificate");
  const roots = given.get("roots");
  if (certificate === undefined || roots === undefined) {
    throw new ProblemAt(line, "expected both certificate and roots");
  }
  const subject = given.get("subject");
  return {
    kind: "certificate",
    path: pathKind.parse(certificate),
    roots: pathKind.parse(roots),
    ...(subject !== undefined && {
      subject: textOf(subject, "a subject such as O=Example, CN=Release"),
    }),
  };
}

function keylessOf(given: ReadonlyMap<string, LocatedValue>, line: number): TrustedSigner {
  const identity = given.get("identity");
  const issuer = given.get("issuer");
  const root = given.get("root");
  if (identity === undefined || issuer === undefined || root === undefined) {
    throw new ProblemAt(line, "expected all of identity, issuer and root");
  }
  return {
    kind: "keyless",
    identity: textOf(identity, "an identity such as release@example.com"),
    issuer: textOf(issuer, "an issuer such as https://accounts.example.com"),
    root: pathKind.parse(root),
  };
}

function textOf(located: LocatedValue, expected: string): string {
  const text = located.kind === "scalar" ? located.value : undefined;
  if (typeof text === "string" && text !== "") return text;
  throw new ProblemAt(located.line, `expected ${expected}`);
}

function formatSigner(signer: TrustedSigner): string {
  switch (signer.kind) {
    case "openpgp":
      return signer.fingerprint;
    case "pem":
      return signer.path;
    case "certificate": {
      const subject = signer.subject === undefined ? "" : ` for ${signer.subject}`;
      return `${signer.path} from ${signer.roots}${subject}`;
    }
    case "keyless":
      return `${signer.identity} of ${signer.issuer} by ${signer.root}`;
  }
}

/** The absolute path of a policy.json, or `system` for the one of containers' other tools; undefined: none. */
export const policyJsonKind: ValueKind<string | undefined> = {
  parse(located) {
    if (located.kind === "scalar" && located.value === "system") return "system";
    return pathKind.parse(located);
  },
  format: (choice) => choice ?? "(none)",
  toJson: (choice) => choice ?? null,
};

export const trustNamesKind: ValueKind<TrustNames> = {
  parse(located) {
    if (located.kind !== "map") throw new ProblemAt(located.line, "expected names with rules");
    return Object.fromEntries(
      located.entries.map(({ key, value, line }) => {
        if (isNamePattern(key)) return [key, ruleOf(value)];
        throw new ProblemAt(line, `expected ${NAME_PATTERN_FORM}, got ${JSON.stringify(key)}`);
      }),
    );
  },
  format: (names) =>
    `{${Object.entries(names)
      .map(([pattern, rule]) => `${pattern}: ${formatRule(rule)}`)
      .join(", ")}}`,
  toJson: (names) =>
    Object.fromEntries(Object.entries(names).map(([key, rule]) => [key, formatRule(rule)])),
};

function ruleOf(located: LocatedValue): Partial<TrustRule> {
  if (located.kind !== "map") {
    throw new ProblemAt(located.line, "expected keys mode, signers and atLeast");
  }
  let rule: Partial<TrustRule> = {};
  for (const { key, value, line } of located.entries) {
    if (key === "mode") rule = { ...rule, mode: trustModeKind.parse(value) };
    else if (key === "signers") rule = { ...rule, signers: signersKind.parse(value) };
    else if (key === "atLeast") rule = { ...rule, atLeast: signerCountKind.parse(value) };
    else {
      const message = `unknown key ${JSON.stringify(key)}: expected mode, signers and atLeast`;
      throw new ProblemAt(line, message);
    }
  }
  return rule;
}

function formatRule({ mode, signers, atLeast }: Partial<TrustRule>): string {
  const parts = [
    ...(mode === undefined ? [] : [mode]),
    ...(atLeast === undefined ? [] : [`at least ${atLeast}`]),
    ...(signers === undefined ? [] : [`of ${signersKind.format(signers)}`]),
  ];
  return parts.join(" ");
}
