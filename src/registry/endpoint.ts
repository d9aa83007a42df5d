import type { RegistryEndpoint } from "./registry-endpoint.ts";

const REPOSITORY = /^[a-z0-9._/-]+$/;
const REFERENCE = /^[A-Za-z0-9._:-]+$/;

/** What of a repository is asked for: a manifest by tag or digest; a blob, or what refers to an image, by digest. */
export type EndpointKind = "manifests" | "blobs" | "referrers";

/**
 * The URL at which uploads to a repository begin.
 *
 * @throws Error for a name that no parser let through
 * @see OCI distribution-spec, endpoint end-4a
 */
export function uploadsUrl({ api }: Pick<RegistryEndpoint, "api">, repository: string): URL {
  const path = `${api.pathname}${repository}/blobs/uploads/`;
  const url = new URL(`${api.origin}${path}`);
  if (!REPOSITORY.test(repository) || url.pathname !== path) {
    throw new Error(`${path} was not parsed before it was asked for`);
  }
  return url;
}

/**
 * The URL of one manifest or blob of a repository at one host.
 *
 * @throws Error for a name that no parser let through: the URL parser resolves `..`, also as
 *   `%2e%2e`, and a reference must never climb out of its repository
 * @see OCI distribution-spec, endpoints end-2, end-3 and end-12, and `ns`; registry.md §4, WHATWG URL trap
 */
export function endpoint(
  { api, namespace }: Pick<RegistryEndpoint, "api" | "namespace">,
  repository: string,
  kind: EndpointKind,
  reference: string,
): URL {
  const path = `${api.pathname}${repository}/${kind}/${reference}`;
  if (!REPOSITORY.test(repository) || !REFERENCE.test(reference)) {
    throw new Error(`${path} was not parsed before it was asked for`);
  }
  const url = new URL(`${api.origin}${path}`);
  if (url.pathname !== path) throw new Error(`${path} turned into ${url.pathname} in a URL`);
  if (namespace !== undefined) url.search = new URLSearchParams({ ns: namespace }).toString();
  return url;
}
