import type { ImageName } from "../image/index.ts";

// The API of Docker Hub is not at the host by which its images are called; registry.md §3.
const API_HOSTS: ReadonlyMap<string, string> = new Map([["docker.io", "registry-1.docker.io"]]);

const HOST = /^[A-Za-z0-9.:[\]-]+$/;
const REPOSITORY = /^[a-z0-9._/-]+$/;
const REFERENCE = /^[A-Za-z0-9._:-]+$/;

/** What of a repository is asked for: a manifest by tag or digest, or a blob by digest. */
export type EndpointKind = "manifests" | "blobs";

/**
 * The URL of one manifest or blob of `name`'s repository.
 *
 * @throws Error for a name that no parser let through: the URL parser resolves `..`, also as
 *   `%2e%2e`, and a reference must never climb out of its repository
 * @see OCI distribution-spec, endpoints end-2 and end-3; registry.md §4, WHATWG URL trap
 */
export function endpoint(
  name: Pick<ImageName, "domain" | "repository">,
  kind: EndpointKind,
  reference: string,
  allowsPlainHttp: (host: string) => boolean,
): URL {
  const host = API_HOSTS.get(name.domain) ?? name.domain;
  const path = `/v2/${name.repository}/${kind}/${reference}`;
  if (!HOST.test(host) || !REPOSITORY.test(name.repository) || !REFERENCE.test(reference)) {
    throw new Error(`${name.domain}${path} was not parsed before it was asked for`);
  }
  const url = new URL(`${allowsPlainHttp(host) ? "http" : "https"}://${host}${path}`);
  if (url.pathname !== path) throw new Error(`${path} turned into ${url.pathname} in a URL`);
  return url;
}
