import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isErrno } from "../base/index.ts";
import { unreadable } from "./read-file.ts";

const DOMAIN = /^[a-z0-9[][a-z0-9.:[\]-]*$/;

/**
 * The directory that says how `domain` is reached: in each root `HOST_PORT_`, then `HOST:PORT`, then
 * `_default`. The first that is there counts, and hides the others, be it empty or not.
 *
 * @param domain - in lower case
 * @returns undefined where no root has one
 * @throws HostsError `REGISTRY_CONFIG`: a root cannot be looked into
 * @see containerd, docs/hosts.md; registry.md §10.1
 */
export async function hostDirectory(
  roots: readonly string[],
  domain: string,
): Promise<string | undefined> {
  if (!DOMAIN.test(domain)) throw new Error(`${domain} was not parsed before it was looked for`);
  const names = directoryNames(domain);
  for (const root of roots) {
    for (const name of names) {
      const path = join(root, name);
      if (await isDirectory(path)) return path;
    }
  }
  return undefined;
}

function directoryNames(domain: string): readonly string[] {
  const port = /^(.+):(\d+)$/.exec(domain);
  const noColon = port === null ? [] : [`${port[1] ?? ""}_${port[2] ?? ""}_`];
  return [...noColon, domain, "_default"];
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return false;
    const reason = error instanceof Error ? error.message : String(error);
    throw unreadable(path, reason, undefined, { cause: error });
  }
}
