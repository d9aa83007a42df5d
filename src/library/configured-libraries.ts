import { isAbsolute, join } from "node:path";
import { X509Certificate } from "node:crypto";
import { isErrno, readAtMost, Secret } from "../base/index.ts";
import type { LibrarySettings } from "../config/index.ts";
import type { HttpClient } from "../http/index.ts";
import { LIBRARY_URI } from "../image/index.ts";
import { Discoveries } from "./discovery.ts";
import {
  type LibraryEndpoint,
  type LibraryHosts,
  type LibraryToken,
  usualEndpoint,
} from "./library-endpoint.ts";
import { LibraryError } from "./library-error.ts";
import { readRemoteFile, type Remote } from "./remote-file.ts";

export interface ConfiguredLibrariesOptions {
  readonly client: Pick<HttpClient, "allowsPlainHttp" | "request" | "clock">;
  /** By the hosts that references name, in lower case. */
  readonly settings: Readonly<Record<string, NamedLibrary>>;
  readonly remoteFiles: RemoteFiles;
  /** Environment variables. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly userId: number;
}

/** A library as it is configured, or as somebody named it for one call. */
export interface NamedLibrary extends LibrarySettings {
  /** Asked without a token, whoever has one. */
  readonly isAnonymous?: boolean;
}

/** Where Singularity and Apptainer keep their remotes, absolute. */
export interface RemoteFiles {
  /** Whose tokens are looked for, in this order. */
  readonly user: readonly string[];
  /** Where a site says which one is the only one. */
  readonly system: readonly string[];
}

const SYSTEM_DIRECTORIES = ["/etc", "/usr/local/etc"];
const MAX_TOKEN_BYTES = 64 * 1024;
const MAX_CA_BYTES = 1024 * 1024;

/** The usual files. @see library.md §10 */
export function usualRemoteFiles(
  variables: Readonly<Record<string, string | undefined>>,
  homeDirectory: string | undefined,
): RemoteFiles {
  const own = (variable: string, name: string): readonly string[] => {
    const named = variables[variable] ?? "";
    if (isAbsolute(named)) return [join(named, "remote.yaml")];
    return homeDirectory === undefined ? [] : [join(homeDirectory, name, "remote.yaml")];
  };
  return {
    user: [
      ...own("APPTAINER_CONFIGDIR", ".apptainer"),
      ...own("SINGULARITY_CONFIGDIR", ".singularity"),
    ],
    system: SYSTEM_DIRECTORIES.flatMap((directory) => [
      join(directory, "apptainer/remote.yaml"),
      join(directory, "singularity/remote.yaml"),
    ]),
  };
}

/**
 * Libraries as the configuration has them, and as Singularity and Apptainer were told of them. There is one
 * for all that asks libraries, so that nobody is asked, or shown a token, by one command and not by another
 * (CVE-2021-32635).
 *
 * @see library.md §10
 */
export class ConfiguredLibraries implements LibraryHosts {
  readonly #options: ConfiguredLibrariesOptions;
  readonly #discoveries: Discoveries;

  constructor(options: ConfiguredLibrariesOptions) {
    this.#options = options;
    this.#discoveries = new Discoveries(options.client);
  }

  /**
   * Files are read anew each time, and only where they may say something of this library. A host that
   * is configured without an endpoint, or is a remote's, is asked where its library is.
   *
   * @throws LibraryError `LIBRARY_CONFIG`, `LIBRARY_BLOCKED`; and as `Discoveries`
   */
  async endpointOf(
    name: string,
    warn: (message: string) => void,
    signal: AbortSignal,
  ): Promise<LibraryEndpoint> {
    const host = name.toLowerCase();
    await this.#requireAllowed(host);
    const own = this.#options.settings[host];
    const settings = own ?? {};
    const usual = usualEndpoint(host, this.#options.client);
    const { isAnonymous = false } = settings;
    const configured = await this.#tokenOf(host, settings, warn);
    const isAsked = configured === undefined && !isAnonymous;
    const remote = isAsked ? await this.#remoteOf(host, warn) : undefined;
    const tls =
      settings.ca === undefined ? undefined : { ca: [await readAuthorities(settings.ca)] };
    const isInsecure = settings.endpoint === undefined && remote?.isInsecure === true;
    const given = isInsecure ? new URL(`http://${usual.api.host}/`) : apiOf(settings, usual);
    // The default library's place is known, and no host that may be away has to say it.
    const isKnown = settings.endpoint !== undefined || host === LIBRARY_URI;
    const isNamed = !isKnown && (own !== undefined || remote !== undefined);
    const found = isNamed ? await this.#discoveries.find({ api: given, tls }, signal) : undefined;
    const api = found ?? given;
    return {
      api,
      ...(found !== undefined && { namedBy: given }),
      tls,
      isPlainHttp: api.protocol === "http:",
      isUnverified: settings.unverified ?? false,
      token: configured ?? remote?.token,
    };
  }

  async #requireAllowed(host: string): Promise<void> {
    const { remoteFiles, userId } = this.#options;
    for (const path of remoteFiles.system) {
      const file = await readRemoteFile(path, userId);
      const only = file?.remotes.find(({ isExclusive }) => isExclusive);
      if (only === undefined || only.uri === host) continue;
      const message = `library ${host}: expected ${only.uri}, which ${path} has as the only one`;
      throw new LibraryError("LIBRARY_BLOCKED", message);
    }
  }

  async #tokenOf(
    host: string,
    { token, tokenFile, tokenEnv }: LibrarySettings,
    warn: (message: string) => void,
  ): Promise<LibraryToken | undefined> {
    if (token !== undefined) return { secret: token, described: `the configuration of ${host}` };
    if (tokenFile !== undefined) return await readToken(tokenFile, host);
    if (tokenEnv === undefined) return undefined;
    const value = this.#options.variables[tokenEnv] ?? "";
    if (value !== "") return { secret: secretOf(value, `$${tokenEnv}`), described: `$${tokenEnv}` };
    warn(`library ${host}: $${tokenEnv} is not set, so it is asked without a token`);
    return undefined;
  }

  /**
   * The first remote of the user's for this host that has a token, or says how it is spoken to; else
   * any, also of the site's, whose tokens are not the user's to show.
   */
  async #remoteOf(
    host: string,
    warn: (message: string) => void,
  ): Promise<{ readonly token?: LibraryToken; readonly isInsecure: boolean } | undefined> {
    const { remoteFiles, userId } = this.#options;
    let any: Remote | undefined;
    for (const path of remoteFiles.user) {
      const file = await readRemoteFile(path, userId);
      const remotes = file?.remotes.filter(({ uri }) => uri === host) ?? [];
      any ??= remotes[0];
      const remote = remotes.find(saysSomething);
      if (file === undefined || remote === undefined) continue;
      const { token, isInsecure } = remote;
      if (token === undefined) return { isInsecure };
      if (file.isLoose) warn(`${path} has tokens, and others may read it or own it: chmod 600`);
      return { token: { secret: token, described: path }, isInsecure };
    }
    for (const path of remoteFiles.system) {
      any ??= (await readRemoteFile(path, userId))?.remotes.find(({ uri }) => uri === host);
    }
    return any && { isInsecure: any.isInsecure };
  }
}

function saysSomething({ token, isInsecure }: Remote): boolean {
  return token !== undefined || isInsecure;
}

function apiOf({ endpoint }: LibrarySettings, usual: LibraryEndpoint): URL {
  if (endpoint === undefined) return usual.api;
  return new URL(endpoint.endsWith("/") ? endpoint : `${endpoint}/`);
}

async function readToken(path: string, host: string): Promise<LibraryToken> {
  const text = (await readText(path, MAX_TOKEN_BYTES, `the token of ${host}`)).trim();
  return { secret: secretOf(text, path), described: path };
}

function secretOf(text: string, where: string): Secret {
  if (/^[\x21-\x7e]+$/.test(text)) return new Secret(text);
  throw new LibraryError("LIBRARY_CONFIG", `${where}: expected one token, got something else`);
}

/** Node passes over certificates that it cannot read, so they are looked at here. */
async function readAuthorities(path: string): Promise<string> {
  const text = await readText(path, MAX_CA_BYTES, "certificates");
  try {
    new X509Certificate(text);
    return text;
  } catch (error) {
    const message = `${path}: expected certificates in PEM, got something else`;
    throw new LibraryError("LIBRARY_CONFIG", message, { cause: error });
  }
}

async function readText(path: string, maxBytes: number, what: string): Promise<string> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readAtMost(path, maxBytes);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTDIR", "EACCES", "EISDIR", "ELOOP")) throw error;
    const reason = error instanceof Error ? error.message : "";
    const message = `cannot read ${what} in ${path}: ${reason}`;
    throw new LibraryError("LIBRARY_CONFIG", message, { cause: error });
  }
  if (bytes !== undefined) return bytes.toString();
  throw new LibraryError("LIBRARY_CONFIG", `${path}: expected at most ${maxBytes} bytes, got more`);
}
