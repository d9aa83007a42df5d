export { addFile, type AddOptions } from "./add-file.ts";
export { findPartition, type PartitionPlace } from "./describe-image.ts";
export {
  familiarText,
  infoOf,
  infoOfFile,
  infoOfLocal,
  storeNamesOf,
  storeTagOf,
} from "./info-of.ts";
export {
  describeLocalName,
  freshImage,
  isLocalName,
  localFilesOf,
  recordLocalFile,
  type DescribedFile,
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
export { copyToOutput } from "./place-file.ts";
export type { PullContext, PullOptions } from "./pull-context.ts";
export { isSystemError, PullError, type PullErrorCode } from "./pull-error.ts";
export type { LayerProgress, OnPullEvent, PullEvent } from "./pull-events.ts";
export { pullToFile, type PulledFile } from "./pull-to-file.ts";
export { pullToStore } from "./pull-to-store.ts";
export { SharedPulls } from "./shared-pulls.ts";
export { partialsDirectory } from "./partials.ts";
