import { chmod, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Credential } from "../registry/index.ts";

export const never: AbortSignal = new AbortController().signal;

/** A directory that is removed after the test. */
export async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-credentials-"));
  t.after(() => directory.remove());
  return directory.path;
}

/** Puts a credential helper of a few lines of shell into `directory`. */
export async function writeHelper(
  directory: string,
  suffix: string,
  script: string,
): Promise<void> {
  const path = join(directory, `docker-credential-${suffix}`);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

/** `user:password` as files have it. */
export function basic(pair: string): string {
  return Buffer.from(pair).toString("base64");
}

/** A credential with its secret, for comparing. */
export function revealed(credential: Credential | undefined): string {
  if (credential === undefined) return "none";
  return credential.kind === "password"
    ? `${credential.username}:${credential.password.reveal()}`
    : `${credential.kind} ${credential.token.reveal()}`;
}
