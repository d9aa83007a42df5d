import { createHash } from "node:crypto";
import { assertNever, type Secret } from "../base/index.ts";

/** What a caller shows a registry, or its token service, to be somebody. */
export type Credential = (
  | { readonly kind: "password"; readonly username: string; readonly password: Secret }
  /** A refresh token: for token services alone. */
  | { readonly kind: "identity-token"; readonly token: Secret }
  /** A ready bearer token: for the registry alone. */
  | { readonly kind: "registry-token"; readonly token: Secret }
) & {
  /** Where it comes from, for messages: `user "bob" of /run/containers/0/auth.json`. */
  readonly described: string;
};

/** What credentials are looked for. */
export interface CredentialPlace {
  /**
   * `name[:port]`: of an image's own registry the domain of the reference (`docker.io`), of a mirror
   * that the operator configured its own host.
   */
  readonly host: string;
  /** As the registry calls it: `library/alpine`. */
  readonly repository: string;
}

/** Who knows credentials. */
export interface Credentials {
  /**
   * The credential for `place`; undefined where it is to be asked by nobody in particular. Called
   * when a registry wants one, and again after it was refused.
   */
  find(place: CredentialPlace, signal: AbortSignal): Promise<Credential | undefined>;
}

/** Asks as nobody in particular. */
export const anonymous: Credentials = { find: () => Promise.resolve(undefined) };

/** The same text for the same credential, and for no other; it tells nothing of it. */
export function credentialKey(credential: Credential | undefined): string {
  if (credential === undefined) return "";
  return createHash("sha256")
    .update(JSON.stringify(factsOf(credential)))
    .digest("hex");
}

function factsOf(credential: Credential): readonly string[] {
  switch (credential.kind) {
    case "password":
      return [credential.kind, credential.username, credential.password.reveal()];
    case "identity-token":
    case "registry-token":
      return [credential.kind, credential.token.reveal()];
    default:
      return assertNever(credential);
  }
}
