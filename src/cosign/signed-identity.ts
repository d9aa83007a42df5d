import { assertNever } from "../base/index.ts";
import { ImageError, type ImageName, parseImageName, repositoryName } from "../image/index.ts";

/** How what a signature calls the image must fit the name that it is asked for by. */
export type SignedIdentity =
  | { readonly type: "matchExact" | "matchRepoDigestOrExact" | "matchRepository" }
  | { readonly type: "exactReference"; readonly reference: SignedName }
  | { readonly type: "exactRepository"; readonly repository: string }
  | { readonly type: "remapIdentity"; readonly prefix: string; readonly signedPrefix: string };

/** A name in a signature or a policy: other than elsewhere, one without a tag means no tag. */
export interface SignedName {
  readonly repository: string;
  /** `:TAG` or `@DIGEST`; undefined for a bare repository. */
  readonly suffix: string | undefined;
}

/** Undefined for what is no name. */
export function parseSignedName(text: string): SignedName | undefined {
  try {
    const name = parseImageName(text);
    const isBare = !/[:@]/.test(text.slice(text.lastIndexOf("/") + 1));
    return { repository: repositoryName(name), suffix: isBare ? undefined : suffixOf(name) };
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

/**
 * Whether a signature that calls the image `signed` is one for `asked`. One that does not say is for
 * none.
 *
 * @see containers-policy.json(5), signedIdentity; registry.md §12.4
 */
export function fitsIdentity(
  identity: SignedIdentity,
  asked: ImageName,
  signed: string | undefined,
): boolean {
  const name = signed === undefined ? undefined : parseSignedName(signed);
  if (name === undefined) return false;
  const repository = repositoryName(asked);
  switch (identity.type) {
    case "matchExact":
      return isSame(name, { repository, suffix: suffixOf(asked) });
    case "matchRepoDigestOrExact":
      return isRepoDigestOrExact(name, repository, asked);
    case "matchRepository":
      return name.repository === repository;
    case "exactReference":
      return isSame(name, identity.reference);
    case "exactRepository":
      return name.repository === identity.repository;
    case "remapIdentity":
      return isRepoDigestOrExact(name, remapped(repository, identity), asked);
    default:
      return assertNever(identity);
  }
}

function isRepoDigestOrExact(name: SignedName, repository: string, asked: ImageName): boolean {
  if (asked.digest !== undefined) return name.repository === repository;
  return isSame(name, { repository, suffix: suffixOf(asked) });
}

function isSame(one: SignedName, other: SignedName): boolean {
  return (
    one.suffix !== undefined && one.repository === other.repository && one.suffix === other.suffix
  );
}

function remapped(
  repository: string,
  { prefix, signedPrefix }: { readonly prefix: string; readonly signedPrefix: string },
): string {
  if (repository === prefix) return signedPrefix;
  // A part of the path that only begins like the prefix is another one.
  return repository.startsWith(`${prefix}/`)
    ? signedPrefix + repository.slice(prefix.length)
    : repository;
}

function suffixOf({ tag, digest }: ImageName): string | undefined {
  if (digest !== undefined) return `@${digest}`;
  return tag === undefined ? undefined : `:${tag}`;
}
