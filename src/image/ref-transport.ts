import { ImageError } from "./image-error.ts";
import { DOCKER_URI, LIBRARY_SCHEME, LIBRARY_URI, LOCAL_URI } from "./reference.ts";
import { quoteName } from "./quote-name.ts";

/** A reference's protocol family, and its text without what named the family. */
export type RefTransport =
  | { readonly kind: "registry"; readonly text: string }
  /** `text` may begin with the host of another library than the default one. */
  | { readonly kind: "library"; readonly text: string }
  /** `text` is behind cloud.sylabs.io/ and holds no host. */
  | { readonly kind: "default-library"; readonly text: string }
  | { readonly kind: "local"; readonly path: string };

const REGISTRY_SCHEME = /^(?:docker|oras):\/\//;
/** What a pull takes and nothing else does. */
const ARCHIVE = /^(?:oci|oci-archive|docker-archive):/i;
const DAEMON = /^docker-daemon:/i;
/** Schemes of which we know nothing. */
const OTHER_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
/** Also `dir/app.sif`, which is a name by the grammar but never meant as one. */
const PATH = /^(?:\/|~|\.\.?(?:\/|$))|^(?:[^:@]*\/)?[^/:@]*\.sif$/i;

/** Whether `text` is written as the path of a file: `/a/app`, `./app`, `~/app` or `app.sif`. */
export function isFilePath(text: string): boolean {
  // Their names may end as files do.
  const isName = [LOCAL_URI, LIBRARY_URI].some((domain) => text.startsWith(`${domain}/`));
  return !isName && PATH.test(text);
}

/**
 * Tells which protocol family `ref` belongs to; the rest is not checked.
 *
 * @throws ImageError `REFERENCE_TRANSPORT` for what is no reference but a file, an archive, a layout
 *   or an unknown scheme; `REFERENCE_INVALID` for an origin domain alone
 * @see image-api.md, References
 */
export function splitTransport(ref: string): RefTransport {
  const scheme = REGISTRY_SCHEME.exec(ref)?.[0];
  if (scheme !== undefined) return { kind: "registry", text: ref.slice(scheme.length) };
  if (ref.startsWith(LIBRARY_SCHEME)) {
    return { kind: "library", text: ref.slice(LIBRARY_SCHEME.length) };
  }
  if (ARCHIVE.test(ref)) {
    throw transportError(ref, "a reference, got a layout or an archive, which only a pull reads");
  }
  if (DAEMON.test(ref)) {
    const instead = "docker-archive:FILE of what `docker save` writes";
    throw transportError(ref, `no Docker daemon, for siflet asks none; pull ${instead}`);
  }
  if (OTHER_SCHEME.test(ref)) {
    throw transportError(ref, "a reference (docker://, oras://, library:// or a bare name)");
  }
  if (ref === DOCKER_URI || ref === LIBRARY_URI || ref === LOCAL_URI) {
    throw new ImageError(
      "REFERENCE_INVALID",
      `reference "${ref}": expected a name after the domain`,
    );
  }
  if (ref.startsWith(`${LIBRARY_URI}/`)) {
    return { kind: "default-library", text: ref.slice(LIBRARY_URI.length + 1) };
  }
  if (ref.startsWith(`${LOCAL_URI}/`)) return { kind: "local", path: ref.slice(LOCAL_URI.length) };
  if (PATH.test(ref)) {
    throw transportError(
      ref,
      "a reference, got the path of a file (name a repository with its tag)",
    );
  }
  return { kind: "registry", text: ref };
}

/** The error for an input of another family than was expected. */
export function transportError(ref: string, expected: string): ImageError {
  return new ImageError("REFERENCE_TRANSPORT", `reference ${quoteName(ref)}: expected ${expected}`);
}
