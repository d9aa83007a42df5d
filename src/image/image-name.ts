import { isDigest, type Digest } from "./digest.ts";
import { ImageError } from "./image-error.ts";
import { quoteName } from "./quote-name.ts";

/**
 * One parsed name in a registry, in canonical form: `docker.io/library/busybox:latest`.
 *
 * @see registry.md §4; OCI distribution-spec, name and reference grammar
 */
export interface ImageName {
  /** Host and optional port: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly domain: string;
  /** Path within the registry: `library/busybox`. */
  readonly repository: string;
  /** The tag to look up; absent when a digest decides. */
  readonly tag?: string;
  readonly digest?: Digest;
}

/** The registry of names that say none. */
export const DOCKER_DOMAIN = "docker.io";

const OFFICIAL = "library/";
const MAX_REPOSITORY = 255;
/** Far above what the grammar needs; it keeps hostile text out of the expressions below. */
const MAX_TEXT = 4096;

const IMAGE_ID = /^[0-9a-f]{64}$/;
const DOMAIN_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const DOMAIN = new RegExp(
  `^(?:${DOMAIN_LABEL}(?:\\.${DOMAIN_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`,
);
const COMPONENT = "[a-z0-9]+(?:(?:\\.|__|_|-+)[a-z0-9]+)*";
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/**
 * Reads one name by the distribution grammar. A name without a registry belongs to `docker.io`, one
 * of a single component there to `library/`; a name with neither tag nor digest means the tag
 * `latest`; where both are written the digest decides and the tag is dropped. `docker://` and other
 * transports are not part of a name: see `imageNameOf`.
 *
 * @throws ImageError `REFERENCE_INVALID` for text outside the grammar, a bare image id, a digest
 *   that is not sha256, and a host that a URL cannot spell or would read as another one
 * @see registry.md §4
 */
export function parseImageName(text: string): ImageName {
  if (text.length > MAX_TEXT) throw invalid(text, `at most ${MAX_TEXT} characters`);
  if (IMAGE_ID.test(text)) throw invalid(text, "a name, got a bare image id of 64 hex digits");
  const { domain, rest } = splitDomain(text);
  if (!isRegistryHost(domain)) {
    const got = quoteName(domain);
    throw invalid(text, `a host name or address with an optional port, got ${got}`);
  }
  const { path, tag, digest } = splitSuffixes(rest, text);
  const repository = domain === DOCKER_DOMAIN && !path.includes("/") ? OFFICIAL + path : path;
  checkRepository(repository, text);
  if (digest !== undefined) return { domain, repository, digest };
  return { domain, repository, tag: tag ?? "latest" };
}

/** Whether text before the first slash of a name is a registry and not a part of the path. */
export function isDomainLike(part: string): boolean {
  return part === "localhost" || /[.:A-Z]/.test(part);
}

/**
 * Whether `domain` is a host with an optional port, by the grammar and as a URL has it.
 *
 * Beyond the grammar, the host must survive a URL unchanged: `0x7f.1/app` would be asked of
 * 127.0.0.1, past every rule that was written for the name.
 */
export function isRegistryHost(domain: string): boolean {
  // The one that most names have; making a URL costs more than all the rest of reading a name.
  if (domain === DOCKER_DOMAIN) return true;
  const url = DOMAIN.test(domain) ? URL.parse(`https://${domain}/`) : null;
  const host = domain.replace(/:[0-9]+$/, "").toLowerCase();
  return url !== null && (url.hostname === host || host.startsWith("["));
}

/** Whether `text` is a tag by the distribution grammar. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** `docker.io/library/busybox`: the name without tag and digest. */
export function repositoryName(name: ImageName): string {
  return `${name.domain}/${name.repository}`;
}

/** The canonical text: `docker.io/library/busybox:latest`, `registry.example/app@sha256:…`. */
export function formatImageName(name: ImageName): string {
  return repositoryName(name) + suffixOf(name);
}

/**
 * The text that people write: `busybox:latest`, `user/app:1`; names outside Docker Hub are
 * unchanged, and so is a Hub name whose short form would mean something else.
 */
export function familiarName(name: ImageName): string {
  const canonical = formatImageName(name);
  if (name.domain !== DOCKER_DOMAIN) return canonical;
  const { repository } = name;
  const bare = repository.startsWith(OFFICIAL) ? repository.slice(OFFICIAL.length) : repository;
  const short = bare.includes("/") ? repository : bare;
  const first = short.slice(0, Math.max(0, short.indexOf("/")));
  return isDomainLike(first) ? canonical : short + suffixOf(name);
}

function suffixOf(name: ImageName): string {
  if (name.digest !== undefined) return `@${name.digest}`;
  return name.tag === undefined ? "" : `:${name.tag}`;
}

function splitDomain(text: string): { domain: string; rest: string } {
  const slash = text.indexOf("/");
  const first = text.slice(0, Math.max(0, slash));
  if (!isDomainLike(first)) return { domain: DOCKER_DOMAIN, rest: text };
  const domain = first === "index.docker.io" ? DOCKER_DOMAIN : first;
  return { domain, rest: text.slice(slash + 1) };
}

/** Cuts `:tag` and `@digest` off; a path holds neither sign, so the first of each decides. */
function splitSuffixes(
  rest: string,
  text: string,
): { path: string; tag: string | undefined; digest: Digest | undefined } {
  const at = rest.indexOf("@");
  const tagged = at < 0 ? rest : rest.slice(0, at);
  const digest = at < 0 ? undefined : rest.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) {
    throw invalid(text, "sha256: and 64 lower-case hex digits after the @");
  }
  const colon = tagged.indexOf(":");
  if (colon < 0) return { path: tagged, tag: undefined, digest };
  const tag = tagged.slice(colon + 1);
  if (!isTag(tag)) throw invalid(text, "a tag of 1 to 128 letters, digits, _ . - after the colon");
  return { path: tagged.slice(0, colon), tag, digest };
}

function checkRepository(repository: string, text: string): void {
  if (/[A-Z]/.test(repository)) throw invalid(text, "a repository in lower case");
  if (!REPOSITORY.test(repository)) {
    throw invalid(text, "a repository of lower-case letters and digits joined by . _ __ - and /");
  }
  if (repository.length > MAX_REPOSITORY) {
    throw invalid(text, `a repository of at most ${MAX_REPOSITORY} characters`);
  }
}

function invalid(text: string, expected: string): ImageError {
  return new ImageError("REFERENCE_INVALID", `image name ${quoteName(text)}: expected ${expected}`);
}
