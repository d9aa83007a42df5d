import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { TlsSettings } from "../http/index.ts";
import { readAuthorities, readClientCertificate } from "./certificates.ts";
import { unreadable } from "./read-file.ts";

/** More than one directory has; each is read at every pull. */
const MAX_FILES = 1000;

/**
 * What the files of a directory without hosts.toml say, as Docker lays them down: every `*.crt` an
 * authority, every `*.cert` with a `*.key` of the same name a certificate to show.
 *
 * @returns undefined where there are none
 * @throws HostsError `REGISTRY_CONFIG`, also for half a pair
 * @see registry.md §10.2
 */
export async function readDockerCertificates(directory: string): Promise<TlsSettings | undefined> {
  const names = await namesIn(directory);
  const pick = (suffix: string): string[] => names.filter((name) => name.endsWith(suffix));
  const [certificates, keys] = [pick(".cert"), pick(".key")];
  requirePartners(directory, certificates, ".cert", ".key", names);
  requirePartners(directory, keys, ".key", ".cert", names);
  const ca: string[] = [];
  for (const name of pick(".crt")) ca.push(await readAuthorities(join(directory, name)));
  const clients = [];
  for (const name of certificates) {
    const key = join(directory, partnerOf(name, ".cert", ".key"));
    clients.push(await readClientCertificate(join(directory, name), key));
  }
  return ca.length + clients.length === 0 ? undefined : { ca, clients };
}

async function namesIn(directory: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw unreadable(directory, reason, undefined, { cause: error });
  }
  if (names.length <= MAX_FILES) return names.sort();
  throw unreadable(directory, `expected at most ${MAX_FILES} files, got ${names.length}`);
}

function requirePartners(
  directory: string,
  names: readonly string[],
  suffix: string,
  other: string,
  all: readonly string[],
): void {
  for (const name of names) {
    const partner = partnerOf(name, suffix, other);
    if (all.includes(partner)) continue;
    throw unreadable(join(directory, name), `expected ${partner} beside it, got none`);
  }
}

function partnerOf(name: string, suffix: string, other: string): string {
  return `${name.slice(0, -suffix.length)}${other}`;
}
