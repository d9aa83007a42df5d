export {
  Authenticator,
  type AuthenticatorOptions,
  type RegistryAnswer,
  type RegistryCaller,
} from "./authenticator.ts";
export {
  anonymous,
  type Credential,
  type CredentialPlace,
  type Credentials,
} from "./credential.ts";
export { type NamedPlace, Registries, type RegistriesOptions } from "./registries.ts";
export {
  type Capability,
  originEndpoint,
  type RegistryEndpoint,
  type RegistryHosts,
  type RegistryPlace,
} from "./registry-endpoint.ts";
export type { BlobBytes, RepositoryTarget } from "./repository-target.ts";
export { RepositoryAttachments } from "./repository-attachments.ts";
export { RegistryError, type RegistryErrorCode } from "./registry-error.ts";
export { type RegistrySource, UNLABELLED } from "./registry-source.ts";
