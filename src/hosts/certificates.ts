import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { ClientCertificate } from "../http/index.ts";
import { MAX_FILE_BYTES, type NamedAt, readText, unreadable } from "./read-file.ts";

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * The PEM text of the authorities in a file. Node passes over what it cannot read, which would only
 * show as a server that nobody vouches for, so it is looked at here.
 *
 * @throws HostsError `REGISTRY_CONFIG`
 */
export async function readAuthorities(path: string, namedAt?: NamedAt): Promise<string> {
  const text = await readText(path, MAX_FILE_BYTES, namedAt);
  for (const block of blocksOf(text, path, namedAt)) certificateOf(block, path, namedAt);
  return text;
}

/**
 * A certificate to show, and its key.
 *
 * @param keyPath - absent where the key stands in the certificate's file
 * @throws HostsError `REGISTRY_CONFIG`, also where they do not belong together
 */
export async function readClientCertificate(
  path: string,
  keyPath: string | undefined,
  namedAt?: NamedAt,
): Promise<ClientCertificate> {
  const certificate = await readText(path, MAX_FILE_BYTES, namedAt);
  const key =
    keyPath === undefined ? certificate : await readText(keyPath, MAX_FILE_BYTES, namedAt);
  const [first = ""] = blocksOf(certificate, path, namedAt);
  const secret = keyOf(key, keyPath ?? path, namedAt);
  if (!certificateOf(first, path, namedAt).checkPrivateKey(secret)) {
    const reason = `expected the key of the certificate in ${path}, got another one`;
    throw unreadable(keyPath ?? path, reason, namedAt);
  }
  return { certificate, key };
}

function blocksOf(text: string, path: string, namedAt: NamedAt): readonly string[] {
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length > 0) return blocks;
  throw unreadable(path, "expected a certificate in PEM, got none", namedAt);
}

function certificateOf(block: string, path: string, namedAt: NamedAt): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (error) {
    throw unreadable(path, "expected a certificate, got a damaged one", namedAt, { cause: error });
  }
}

function keyOf(text: string, path: string, namedAt: NamedAt): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    // Without a cause: there is no telling what of a key its message repeats.
    throw unreadable(path, "expected a private key in PEM without a password", namedAt);
  }
}
