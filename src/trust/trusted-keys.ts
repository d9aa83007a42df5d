import type { TrustedSigner } from "../config/index.ts";
import {
  type Authority,
  keyAuthority,
  keylessAuthority,
  readTrustedRoot,
} from "../cosign/index.ts";
import {
  certificateKey,
  parseCertificates,
  parsePemKey,
  SigningError,
  type PemKey,
} from "../signing/index.ts";

/** Reads a small text file; system errors come as they are. */
export type ReadText = (path: string) => Promise<string>;

/** Those whose signatures count, as verification needs them and as evidence names them. */
export interface TrustedKeys {
  /** Of signatures in SIF files. */
  readonly pem: readonly PemKey[];
  readonly fingerprints: ReadonlySet<string>;
  /** Of signatures beside images in registries. */
  readonly authorities: readonly Authority[];
  /** Who an authority is, by its id: one signer counts once, whatever was signed. */
  readonly signers: ReadonlyMap<string, string>;
}

/** Whether somebody can sign images in registries: an OpenPGP key signs SIF files alone. */
export function signsImages({ kind }: TrustedSigner): boolean {
  return kind !== "openpgp";
}

/**
 * Reads the keys of signers. Whoever cannot be read or is not valid any more ends the judgement: an image
 * must not pass for want of a file.
 *
 * @param now - milliseconds since 1970, for certificates
 * @throws SigningError `KEY_UNREADABLE`, `KEY_UNUSABLE`, `CERTIFICATE_INVALID`; CosignError
 *   `TRUSTED_ROOT_INVALID`
 */
export async function trustedKeys(
  signers: readonly TrustedSigner[],
  readText: ReadText,
  now: number,
): Promise<TrustedKeys> {
  const pem: PemKey[] = [];
  const fingerprints = new Set<string>();
  const authorities = new Map<string, Authority>();
  const names = new Map<string, string>();
  const take = (authority: Authority, name: string): void => {
    authorities.set(authority.id, authority);
    names.set(authority.id, name);
  };
  for (const signer of signers) {
    switch (signer.kind) {
      case "openpgp":
        fingerprints.add(signer.fingerprint);
        break;
      case "keyless": {
        const { identity, issuer, root } = signer;
        const trusted = await readTrustedRoot(Buffer.from(await read(root, readText)), root);
        take(keylessAuthority(trusted, identity, issuer), `${identity} (${issuer})`);
        break;
      }
      default: {
        const key =
          signer.kind === "pem"
            ? parsePemKey(await read(signer.path, readText), signer.path)
            : await keyOfCertificate(signer, readText, now);
        pem.push(key);
        fingerprints.add(key.fingerprint);
        take(keyAuthority(key), key.fingerprint);
      }
    }
  }
  return { pem, fingerprints, authorities: [...authorities.values()], signers: names };
}

async function keyOfCertificate(
  { path, roots, subject }: Extract<TrustedSigner, { kind: "certificate" }>,
  readText: ReadText,
  now: number,
): Promise<PemKey> {
  const [leaf, ...intermediates] = parseCertificates(await read(path, readText), path);
  if (leaf === undefined) {
    throw new SigningError("CERTIFICATE_INVALID", `${path}: expected a certificate in PEM`);
  }
  const trusted = parseCertificates(await read(roots, readText), roots);
  const key = certificateKey({ leaf, intermediates, roots: trusted }, path, now);
  if (subject !== undefined && key.subject !== subject) {
    const message = `${path}: expected a certificate of ${subject}, got one of ${key.subject ?? ""}`;
    throw new SigningError("CERTIFICATE_INVALID", message);
  }
  return key;
}

async function read(path: string, readText: ReadText): Promise<string> {
  try {
    return await readText(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SigningError("KEY_UNREADABLE", `${path}: ${reason}`, { cause });
  }
}
