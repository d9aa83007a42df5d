export { Authenticator } from "./authenticator.ts";
export { RegistryError, type RegistryErrorCode } from "./registry-error.ts";
export {
  openRegistrySource,
  type RegistrySource,
  type RegistrySourceOptions,
  UNLABELLED,
} from "./registry-source.ts";
