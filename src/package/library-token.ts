import { Secret } from "../base/index.ts";
import { CredentialError, type AuthConfig } from "../credentials/index.ts";
import { isLibraryName, libraryNameOf } from "../image/index.ts";
import type { LibraryToken } from "../library/index.ts";

/** Visible ASCII: all that can stand in a header. */
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * What a caller's credentials mean to the library of `ref`: libraries know tokens alone.
 *
 * @returns undefined where none are given, or `ref` is of no library
 * @throws CredentialError `CREDENTIALS_INVALID` for others than a token; ImageError `REFERENCE_INVALID`
 */
export function libraryTokenOf(
  ref: string,
  config: AuthConfig | undefined,
): LibraryToken | undefined {
  if (config === undefined || !isLibraryName(ref)) return undefined;
  const { host } = libraryNameOf(ref);
  const {
    registryToken = "",
    identityToken = "",
    username = "",
    password = "",
    auth = "",
  } = config;
  const token = registryToken === "" ? identityToken : registryToken;
  if (token === "" && [username, password, auth].every((field) => field === "")) return undefined;
  if (TOKEN.test(token)) return { secret: new Secret(token), described: "the caller" };
  const message = `the caller: expected a token for the library ${host}, in identityToken`;
  throw new CredentialError("CREDENTIALS_INVALID", message);
}
