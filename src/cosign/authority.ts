import { createHash, type X509Certificate } from "node:crypto";
import { canonicalJson, ImageError, isRecord, parseStrictJson } from "../image/index.ts";
import type { PemKey } from "../signing/index.ts";
import { CosignError } from "./cosign-error.ts";
import { trustMaterialOf } from "./sigstore-library.ts";

/** A trusted root of Sigstore: its authorities and logs, each with the time of its service. */
export interface TrustedRoot {
  /** The file it came from, or what stands for one. */
  readonly source: string;
  /** SHA-256 of its bytes, in hex. */
  readonly sha256: string;
  /** As it was read. */
  readonly json: unknown;
}

/** One that is trusted to sign images. `id` stands for it in evidence: equal ones have equal ids. */
export type Authority =
  | {
      readonly kind: "key";
      readonly id: string;
      readonly key: PemKey;
      /** Keys of logs, one of which must have seen the signature; undefined: none needs to. */
      readonly logs: readonly PemKey[] | undefined;
    }
  | {
      readonly kind: "keyless";
      readonly id: string;
      readonly root: TrustedRoot;
      /** A name that the certificate must have: mail address, URI or user name, to the letter. */
      readonly identity: string;
      /** The OpenID issuer that must have vouched for it. */
      readonly issuer: string;
    }
  | {
      readonly kind: "certificates";
      readonly id: string;
      readonly roots: readonly X509Certificate[];
      readonly intermediates: readonly X509Certificate[];
      /** What the certificate must say, all of what is named. */
      readonly names: {
        readonly issuer?: string;
        readonly email?: string;
        readonly host?: string;
      };
      /** Keys of logs, one of which must prove when it was signed; undefined: it must be valid now. */
      readonly logs: readonly PemKey[] | undefined;
    };

/** Whoever has the private key of `key`; with `logs`, only what one of these logs has seen. */
export function keyAuthority(key: PemKey, logs?: readonly PemKey[]): Authority {
  const id = `key ${key.fingerprint}${logs === undefined ? "" : ` log ${hashOf(logIds(logs))}`}`;
  return { kind: "key", id, key, logs };
}

/** Whom a Sigstore authority gave a certificate to, for minutes, as long as a log proves which. */
export function keylessAuthority(root: TrustedRoot, identity: string, issuer: string): Authority {
  const id = `keyless ${hashOf({ root: root.sha256, identity, issuer })}`;
  return { kind: "keyless", id, root, identity, issuer };
}

/** Whom one of the authorities gave a certificate for signing code to. */
export function certificateAuthority(
  chain: {
    readonly roots: readonly X509Certificate[];
    readonly intermediates?: readonly X509Certificate[];
  },
  names: { readonly issuer?: string; readonly email?: string; readonly host?: string },
  logs?: readonly PemKey[],
): Authority {
  const { roots, intermediates = [] } = chain;
  const prints = (list: readonly X509Certificate[]): string[] =>
    list.map(({ fingerprint256 }) => fingerprint256).toSorted();
  const id = `certificates ${hashOf({
    roots: prints(roots),
    intermediates: prints(intermediates),
    names,
    logs: logs === undefined ? null : logIds(logs),
  })}`;
  return { kind: "certificates", id, roots, intermediates, names, logs };
}

function logIds(logs: readonly PemKey[]): string[] {
  return logs.map(({ fingerprint }) => fingerprint).toSorted();
}

function hashOf(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}

const ROOT_TYPE =
  /^application\/vnd\.dev\.sigstore\.trustedroot(?:\+json;version=0\.1|\.v0\.2\+json)$/;

/**
 * Reads a trusted root as Sigstore's clients keep it in files (`trusted_root.json`).
 *
 * @param source - the file, or what stands for one, for messages
 * @throws CosignError `TRUSTED_ROOT_INVALID`
 * @see registry.md §12.2
 */
export async function readTrustedRoot(bytes: Uint8Array, source: string): Promise<TrustedRoot> {
  const refuse = (got: string, cause?: unknown): never => {
    const message = `${source}: expected a trusted root of Sigstore, got ${got}`;
    throw new CosignError("TRUSTED_ROOT_INVALID", message, { cause });
  };
  let json: unknown;
  try {
    json = parseStrictJson(bytes, source);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    refuse("no JSON that all readers take alike", error);
  }
  const mediaType = isRecord(json) ? json["mediaType"] : undefined;
  if (typeof mediaType !== "string" || !ROOT_TYPE.test(mediaType)) refuse("another media type");
  try {
    const { certificateAuthorities, tlogs } = await trustMaterialOf(json);
    if (certificateAuthorities.length + tlogs.length === 0) refuse("one that trusts nobody");
  } catch (error) {
    // The library says what is wrong with a file in errors of any class.
    if (error instanceof CosignError) throw error;
    refuse("one that cannot be read", error);
  }
  return { source, sha256: createHash("sha256").update(bytes).digest("hex"), json };
}
