import type { Digest } from "./digest.ts";

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
