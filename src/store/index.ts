export type { ChangeKind, StoreChange, StoreChanges } from "./change-log.ts";
export type { Claim } from "./claims.ts";
export type { DatabaseClient } from "./database-client.ts";
export { openStore, startDatabase, type StoreOptions } from "./open-store.ts";
export { infoOf, ociConfigOf, referenceOf } from "./info-of.ts";
export { isPinned } from "./pins.ts";
export { identityOf as fileIdentity } from "./file-identity.ts";
export { UsageWalk, type UsagePart } from "./usage-walk.ts";
export type { FileFacts } from "./file-facts.ts";
export { findBarriers, type Barrier, type Readers } from "./store-directory.ts";
export type { StrayFile } from "./store-repair.ts";
export type { StoreTraits } from "./operations.ts";
export type { Staging } from "./staging.ts";
export type { StoreEvidence } from "./store-evidence.ts";
export { StoreError, storeFailure, type StoreErrorCode } from "./store-error.ts";
export type { StoreFiles } from "./store-files.ts";
export type { Store } from "./store.ts";
export type {
  Borrow,
  BorrowOptions,
  DeliveredLayer,
  ImageRecord,
  LocalFile,
  ManifestKey,
  ManifestRecord,
  Names,
  NewImage,
  Origin,
  Provenance,
  Publication,
  SourceLayer,
  StoredImage,
} from "./stored-image.ts";
