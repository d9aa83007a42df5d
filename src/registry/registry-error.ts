import { CodedError } from "../base/index.ts";

export type RegistryErrorCode =
  | "REGISTRY_UNAUTHORIZED"
  | "REGISTRY_DENIED"
  | "REGISTRY_RATE_LIMITED"
  | "REGISTRY_STATUS"
  | "REGISTRY_REALM"
  | "REGISTRY_TOKEN"
  | "REGISTRY_NO_HOST"
  | "REGISTRY_UPLOAD"
  | "REGISTRY_REFERRERS";

/**
 * A registry, or the token service that it names, that did not give what was asked for.
 *
 * - `REGISTRY_UNAUTHORIZED` (401): it wants a login, or another one
 * - `REGISTRY_DENIED` (403): not allowed, or hidden
 * - `REGISTRY_RATE_LIMITED` (429): too many requests, and waiting did not help
 * - `REGISTRY_STATUS`: any other status that the protocol does not foresee here
 * - `REGISTRY_REALM`: the registry names a token service that must not be asked, or must not see
 *   the credentials, or none
 * - `REGISTRY_TOKEN`: the token service cannot be reached or answers with no token
 * - `REGISTRY_UPLOAD`: it does not keep to the protocol of uploads
 * - `REGISTRY_REFERRERS`: its list of what refers to an image is too long, or goes on elsewhere
 * - `REGISTRY_NO_HOST`: the configuration has no host that may be asked for it
 */
export class RegistryError extends CodedError<RegistryErrorCode> {
  /** The HTTP status of the answer; undefined where the status is not what is wrong. */
  readonly status: number | undefined;

  constructor(
    code: RegistryErrorCode,
    message: string,
    options?: ErrorOptions & { readonly status?: number },
  ) {
    super(code, message, options);
    this.status = options?.status;
  }
}
