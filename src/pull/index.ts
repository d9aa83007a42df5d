export { addFile, type AddOptions } from "./add-file.ts";
export { findPartition, type PartitionPlace } from "./describe-image.ts";
export { GuardedListener } from "./guarded-listener.ts";
export { infoOfFile, infoOfLocal } from "./info-of.ts";
export {
  copyLocalName,
  describeFile,
  describeLocalName,
  freshImage,
  isLocalName,
  localFilesOf,
  recordLocalFile,
  type DescribedFile,
  type LocalContext,
  type LocalFiles,
} from "./local-file.ts";
export { describeSif, type SifFacts } from "./describe-sif.ts";
export {
  openImageTree,
  type ImageFile,
  type ImageInode,
  type ImageTree,
  type ImageXattr,
} from "./open-image-tree.ts";
export { copyToOutput, placeFile } from "./place-file.ts";
export type { ArchiveAccess, PullContext, PullOptions } from "./pull-context.ts";
export { isSystemError, outputError, PullError, type PullErrorCode } from "./pull-error.ts";
export type { LayerProgress, OnPullEvent, PullEvent, PullStep } from "./pull-events.ts";
export { PullStages } from "./pull-stages.ts";
export { pullToFile, type PulledFile } from "./pull-to-file.ts";
export { pullToStore } from "./pull-to-store.ts";
export { makeScratchDirectory } from "./scratch-directory.ts";
export { readable } from "./readable.ts";
export { SharedPulls, type PullWatcher } from "./shared-pulls.ts";
export { registryOf } from "./registry-of.ts";
export { rootFileSystem, type RootFileSystem } from "./root-file-system.ts";
export { type Kept, type TrustGate, withCopyIn } from "./trust-gate.ts";
export { partialsDirectory } from "./partials.ts";
