import { createHash } from "node:crypto";
import tls from "node:tls";

/** A certificate to show to servers, and its key. */
export interface ClientCertificate {
  /** PEM; may hold the chain below it. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
}

/** How one server is to prove who it is, and what it is shown; where something is absent, as usual. */
export interface TlsSettings {
  /** PEM certificates to trust besides those that Node and the system trust. */
  readonly ca?: readonly string[];
  readonly clients?: readonly ClientCertificate[];
  /** False: neither the chain nor the name of the server's certificate is checked. */
  readonly verify?: boolean;
}

/** The same text for settings under which connections may be shared, and for no others. */
export function tlsKey(settings: TlsSettings | undefined): string {
  if (settings === undefined) return "";
  const { ca = [], clients = [], verify = true } = settings;
  const facts = [ca, clients.map(({ certificate, key }) => [certificate, key]), verify];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

/**
 * What Node's client is to be told.
 *
 * @param ca - PEM certificates that every server may be proved by, besides
 */
export function nodeTlsOptions(
  settings: TlsSettings | undefined,
  ca: readonly string[],
): tls.SecureContextOptions & { rejectUnauthorized?: boolean } {
  const more = [...ca, ...(settings?.ca ?? [])];
  const clients = settings?.clients ?? [];
  return {
    // `ca` replaces the certificates that Node trusts, so they are named too.
    ...(more.length > 0 && { ca: [...usualCertificates(), ...more] }),
    ...(clients.length > 0 && {
      cert: clients.map(({ certificate }) => certificate),
      key: clients.map(({ key }) => key),
    }),
    ...(settings?.verify === false && { rejectUnauthorized: false }),
  };
}

function usualCertificates(): string[] {
  return [...new Set([...tls.getCACertificates("default"), ...tls.getCACertificates("system")])];
}
