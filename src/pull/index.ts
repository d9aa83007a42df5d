export { findPartition, type PartitionPlace } from "./describe-image.ts";
export { familiarText, infoOf, infoOfFile, storeNamesOf } from "./info-of.ts";
export {
  openImageTree,
  type ImageFile,
  type ImageInode,
  type ImageTree,
  type ImageXattr,
} from "./open-image-tree.ts";
export { copyToOutput } from "./place-file.ts";
export type { PullContext, PullOptions } from "./pull-context.ts";
export { PullError } from "./pull-error.ts";
export type { LayerProgress, OnPullEvent, PullEvent } from "./pull-events.ts";
export { pullToFile, type PulledFile } from "./pull-to-file.ts";
export { pullToStore } from "./pull-to-store.ts";
