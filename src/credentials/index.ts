export { bindCredential, fromAuthConfig, type AuthConfig } from "./auth-config.ts";
export { CredentialError, type CredentialErrorCode } from "./credential-error.ts";
export { formatCredentialKey, type CredentialKey } from "./credential-key.ts";
export type { CredentialSurroundings } from "./credential-places.ts";
export { findableCredentials, type CredentialSettings } from "./find-credentials.ts";
export { firstFound } from "./first-found.ts";
export { GivenCredentials } from "./given-credentials.ts";
export type { PasswordCredential } from "./make-credential.ts";
export {
  loginCredential,
  loginFile,
  parseLoginTarget,
  removeAllLogins,
  removeLogin,
  saveLogin,
  type Login,
} from "./login.ts";
