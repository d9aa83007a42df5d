import type { AuthConfig } from "../credentials/index.ts";
import { isLibraryName } from "../image/index.ts";
import type { RuntimeMessage } from "../wire/index.ts";

/**
 * The credentials of a request. The kubelet knows users and passwords alone: for a library, which knows
 * tokens alone, the password is the token.
 *
 * @returns undefined where none are given
 * @see cri.md §1.3 AuthConfig, §2.2 (6)
 */
export function givenAuth(
  auth: RuntimeMessage<"AuthConfig"> | undefined,
  reference: string,
): AuthConfig | undefined {
  if (auth === undefined) return undefined;
  const { username, password, identityToken, registryToken, serverAddress } = auth;
  const isToken = identityToken !== "" || registryToken !== "";
  if (isLibraryName(reference) && !isToken && password !== "") {
    return { identityToken: password, serverAddress };
  }
  return { username, password, auth: auth.auth, identityToken, registryToken, serverAddress };
}
