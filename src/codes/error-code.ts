import type { AdminErrorCode } from "../admin/index.ts";
import type { ArchiveErrorCode } from "../archive/index.ts";
import type { LimitCode } from "../base/index.ts";
import type { BundleErrorCode } from "../bundle/index.ts";
import type { ConfigErrorCode } from "../config/index.ts";
import type { ConvertError } from "../convert/index.ts";
import type { CosignErrorCode } from "../cosign/index.ts";
import type { CredentialErrorCode } from "../credentials/index.ts";
import type { DaemonErrorCode } from "../daemon/index.ts";
import type { HostsErrorCode } from "../hosts/index.ts";
import type { HttpErrorCode } from "../http/index.ts";
import type { ContentError, ImageErrorCode } from "../image/index.ts";
import type { KeysErrorCode } from "../keys/index.ts";
import type { LayerErrorCode } from "../layers/index.ts";
import type { LibraryErrorCode } from "../library/index.ts";
import type { PackError } from "../packs/index.ts";
import type { PullError } from "../pull/index.ts";
import type { RegistryErrorCode } from "../registry/index.ts";
import type { SifErrorCode } from "../sif/index.ts";
import type { SigningErrorCode } from "../signing/index.ts";
import type { SquashfsErrorCode } from "../squashfs/index.ts";
import type { StoreErrorCode } from "../store/index.ts";
import type { TreeError } from "../tree/index.ts";
import type { TrustErrorCode } from "../trust/index.ts";

/**
 * The codes of every class of coded errors but those of the command line. Each edge has a table with a row
 * for every one: a new code does not compile until it has them all.
 */
export type ErrorCode =
  | AdminErrorCode
  | ArchiveErrorCode
  | BundleErrorCode
  | ConfigErrorCode
  | ContentError["code"]
  | ConvertError["code"]
  | CosignErrorCode
  | CredentialErrorCode
  | DaemonErrorCode
  | HostsErrorCode
  | HttpErrorCode
  | ImageErrorCode
  | KeysErrorCode
  | LayerErrorCode
  | LibraryErrorCode
  | LimitCode
  | PackError["code"]
  | PullError["code"]
  | RegistryErrorCode
  | SifErrorCode
  | SigningErrorCode
  | SquashfsErrorCode
  | StoreErrorCode
  | TreeError["code"]
  | TrustErrorCode;
