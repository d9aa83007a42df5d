import { assertNever } from "../base/index.ts";
import { ImageError } from "./image-error.ts";
import { registryName } from "./image-name-of.ts";
import { familiarName, isRegistryHost, isTag } from "./image-name.ts";
import { isDigest } from "./digest.ts";
import { quoteName } from "./quote-name.ts";
import { splitTransport } from "./ref-transport.ts";
import { DOCKER_URI, LIBRARY_SCHEME, LIBRARY_URI, LOCAL_URI, Reference } from "./reference.ts";

const LIBRARY_PART = /^[a-z0-9][a-z0-9._-]{0,254}$/;
const LIBRARY_HASH = /^sha256\.[0-9a-f]{64}$/;
/** What Kubernetes appends to a name without a tag. */
const ADDED_TAG = ":latest";
/** PATH_MAX of Linux. */
const MAX_PATH = 4096;

/**
 * Reads a reference as people and Kubernetes write it: a name in a registry (with `docker://`,
 * `oras://` or `docker.io/` in front or not), a name in a library (`library://[HOST/]e/c/n`,
 * `cloud.sylabs.io/e/c/n`) or a file on this host (`local.file/PATH`).
 *
 * The result holds one tag or one digest, never both: `name:tag@digest` is the digest alone, no tag
 * is `latest`. All spellings of one registry name give one text (`docker.io/library/busybox` is
 * `busybox:latest`), and `parseRef(ref.toString())` an equal reference.
 *
 * @throws ImageError `REFERENCE_INVALID` for malformed text; `REFERENCE_TRANSPORT` for archives,
 *   layouts, paths and unknown schemes, which are inputs of a pull and not references
 * @see image-api.md, References; registry.md §4; library.md §2
 */
export function parseRef(ref: string): Reference {
  const transport = splitTransport(ref);
  switch (transport.kind) {
    case "registry":
      return registryReference(transport.text);
    case "library":
      return libraryReference(transport.text, ref);
    case "default-library":
      return defaultLibraryReference(transport.text, ref);
    case "local":
      return localReference(transport.path, ref);
    default:
      return assertNever(transport);
  }
}

function registryReference(text: string): Reference {
  const name = registryName(text);
  const familiar = familiarName(name);
  return name.digest === undefined
    ? new Reference(DOCKER_URI, [familiar])
    : new Reference(DOCKER_URI, [], [familiar]);
}

/** Three slashes or more mean that the first part is a host; an empty one means none. */
function libraryReference(text: string, ref: string): Reference {
  if (text.split("/").length <= 3) return defaultLibraryReference(text, ref);
  const slash = text.indexOf("/");
  const host = text.slice(0, slash);
  const rest = text.slice(slash + 1);
  if (host === "" || host === LIBRARY_URI) return defaultLibraryReference(rest, ref);
  if (!isRegistryHost(host)) throw invalid(ref, `a library's host before the name`);
  const { path, tag } = libraryName(rest, ref);
  return namesReference(LIBRARY_SCHEME + host, path, tag);
}

function defaultLibraryReference(text: string, ref: string): Reference {
  const { path, tag } = libraryName(text, ref);
  return namesReference(LIBRARY_URI, `${LIBRARY_URI}/${path}`, tag);
}

function namesReference(uri: string, path: string, tag: string): Reference {
  const name = `${path}:${tag}`;
  return LIBRARY_HASH.test(tag) ? new Reference(uri, [], [name]) : new Reference(uri, [name]);
}

/** Reads `[entity/[collection/]]container[:tag]`; `@sha256:…` is another spelling of a hash tag. */
function libraryName(text: string, ref: string): { path: string; tag: string } {
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) {
    throw invalid(ref, "sha256: and 64 lower-case hex digits after the @");
  }
  const tagged = at < 0 ? text : text.slice(0, at);
  const colon = tagged.indexOf(":");
  const path = colon < 0 ? tagged : tagged.slice(0, colon);
  const tag = colon < 0 ? "latest" : tagged.slice(colon + 1);
  const parts = path.split("/");
  if (parts.length > 3 || !parts.every((part) => LIBRARY_PART.test(part))) {
    throw invalid(
      ref,
      "one to three parts of lower-case letters, digits, . _ - as a library's name",
    );
  }
  if (!isTag(tag)) throw invalid(ref, "a tag of 1 to 128 letters, digits, _ . - after the colon");
  if (tag.startsWith("sha256.") && !LIBRARY_HASH.test(tag)) {
    // Taken for a tag it would pin nothing, and whoever wrote it believes that it does.
    throw invalid(ref, "64 lower-case hex digits after sha256.");
  }
  return { path, tag: digest === undefined ? tag : digest.replace(":", ".") };
}

function localReference(given: string, ref: string): Reference {
  const path = given.endsWith(ADDED_TAG) ? given.slice(0, -ADDED_TAG.length) : given;
  if (path.endsWith(ADDED_TAG)) {
    throw invalid(ref, "a file whose own name does not end in :latest");
  }
  const parts = path.slice(1).split("/");
  // One file has one name: what is not the plain path would be a second one for it.
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    throw invalid(ref, "an absolute path without empty, . and .. components");
  }
  if (path.length > MAX_PATH || /\p{Cc}/u.test(path) || !path.isWellFormed()) {
    throw invalid(ref, `a path of at most ${MAX_PATH} printable characters`);
  }
  return new Reference(LOCAL_URI, [LOCAL_URI + path]);
}

function invalid(ref: string, expected: string): ImageError {
  return new ImageError("REFERENCE_INVALID", `reference ${quoteName(ref)}: expected ${expected}`);
}
