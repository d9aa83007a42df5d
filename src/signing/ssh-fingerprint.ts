import { createHash, type KeyObject } from "node:crypto";

/** What OpenSSL calls the curves that SSH has names for. */
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: "nistp256",
  secp384r1: "nistp384",
  secp521r1: "nistp521",
};

/**
 * The fingerprint that ssh-keygen prints: `SHA256:` and unpadded base64 of the SHA-256 of the key's SSH
 * form. DSSE signatures of SIF files name their key so.
 *
 * @param key - a public key: Ed25519, ECDSA over a NIST curve, or RSA
 * @returns undefined for a key of another kind
 * @see RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4; sif.md §2.4
 */
export function sshFingerprint(key: KeyObject): string | undefined {
  const fields = sshFields(key);
  if (fields === undefined) return undefined;
  const hash = createHash("sha256");
  for (const field of fields) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    hash.update(length).update(field);
  }
  return `SHA256:${hash.digest("base64").replace(/=+$/, "")}`;
}

function sshFields(key: KeyObject): readonly Buffer[] | undefined {
  const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ""];
  switch (key.asymmetricKeyType) {
    case "ed25519": {
      const { x = "" } = key.export({ format: "jwk" });
      return [Buffer.from("ssh-ed25519"), Buffer.from(x, "base64url")];
    }
    case "rsa": {
      const { e = "", n = "" } = key.export({ format: "jwk" });
      return [Buffer.from("ssh-rsa"), mpint(e), mpint(n)];
    }
    case "ec": {
      if (curve === undefined) return undefined;
      const { x = "", y = "" } = key.export({ format: "jwk" });
      const point = [Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")];
      return [Buffer.from(`ecdsa-sha2-${curve}`), Buffer.from(curve), Buffer.concat(point)];
    }
    default:
      return undefined;
  }
}

/** A positive number: a zero byte goes before a first byte whose highest bit is set. */
function mpint(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, "base64url");
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
}
