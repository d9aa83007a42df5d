import type { X509Certificate } from "node:crypto";
import { childrenOf, type DerValue, parseDer } from "./der.ts";

/** Whom a certificate was given to, and who vouched for the names in it. */
export interface CertificateNames {
  readonly emails: readonly string[];
  readonly hosts: readonly string[];
  readonly uris: readonly string[];
  /** Names of a kind of Fulcio's own, for people without mail address. */
  readonly userNames: readonly string[];
  /** The OpenID issuer; undefined where there is none, or one that cannot be read. */
  readonly issuer: string | undefined;
}

// DER of the object identifiers, in hex.
const OID = {
  subjectAltName: "551d11",
  /** 1.3.6.1.4.1.57264.1.1: the issuer as bare text, as it was written before 2022. */
  issuerText: "2b0601040183bf300101",
  /** 1.3.6.1.4.1.57264.1.8: the issuer as a UTF8String. */
  issuer: "2b0601040183bf300108",
  /** 1.3.6.1.4.1.57264.1.7: a user name. */
  userName: "2b0601040183bf300107",
} as const;

const TAG = { utf8: 0x0c, octets: 0x04, oid: 0x06, extensions: 0xa3 } as const;
const NAME = { other: 0xa0, email: 0x81, host: 0x82, uri: 0x86 } as const;

/**
 * Reads the names of a certificate byte by byte. Node's own text of them is made for people, and the
 * Sigstore library drops the highest bit of each character, so that two names could read alike.
 *
 * @returns undefined for a certificate that cannot be read
 * @see RFC 5280 §4.2.1.6; Fulcio's registry of object identifiers
 */
export function certificateNames({ raw }: X509Certificate): CertificateNames | undefined {
  const extensions = extensionsOf(raw);
  if (extensions === undefined) return undefined;
  const alternative = extensions.get(OID.subjectAltName);
  const names = alternative === undefined ? [] : childrenOf(parseDer(alternative));
  if (names === undefined) return undefined;
  const ofKind = (tag: number): string[] =>
    names.filter((name) => name.tag === tag).flatMap(({ content }) => asciiText(content) ?? []);
  return {
    emails: ofKind(NAME.email),
    hosts: ofKind(NAME.host),
    uris: ofKind(NAME.uri),
    userNames: names
      .filter(({ tag }) => tag === NAME.other)
      .flatMap((name) => userName(name) ?? []),
    issuer: issuerIn(extensions),
  };
}

/** The contents of all extensions by their identifiers; undefined where one is there twice. */
function extensionsOf(certificate: Uint8Array): ReadonlyMap<string, Uint8Array> | undefined {
  const signed = childrenOf(parseDer(certificate))?.[0];
  const wrapper = childrenOf(signed)?.find(({ tag }) => tag === TAG.extensions);
  const byId = new Map<string, Uint8Array>();
  if (wrapper === undefined) return signed === undefined ? undefined : byId;
  const list = childrenOf(childrenOf(wrapper)?.[0]);
  if (list === undefined) return undefined;
  for (const extension of list) {
    const parts = childrenOf(extension);
    const id = parts?.[0];
    const value = parts?.at(-1);
    if (id?.tag !== TAG.oid || value?.tag !== TAG.octets) return undefined;
    const key = Buffer.from(id.content).toString("hex");
    if (byId.has(key)) return undefined;
    byId.set(key, value.content);
  }
  return byId;
}

function issuerIn(extensions: ReadonlyMap<string, Uint8Array>): string | undefined {
  const current = extensions.get(OID.issuer);
  if (current === undefined) {
    const text = extensions.get(OID.issuerText);
    return text === undefined ? undefined : utf8Text(text);
  }
  const value = parseDer(current);
  return value?.tag === TAG.utf8 ? utf8Text(value.content) : undefined;
}

function userName(name: DerValue): string | undefined {
  const [id, wrapper] = childrenOf(name) ?? [];
  if (id === undefined || Buffer.from(id.content).toString("hex") !== OID.userName)
    return undefined;
  const value = childrenOf(wrapper)?.[0];
  return value?.tag === TAG.utf8 ? utf8Text(value.content) : undefined;
}

function asciiText(bytes: Uint8Array): string | undefined {
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
    ? Buffer.from(bytes).toString("latin1")
    : undefined;
}

function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
