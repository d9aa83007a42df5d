export { planAddition, type AddedObject, type SifAddition, type SifPatch } from "./add-object.ts";
export { goArchCode, goArchName, type SifArchitecture } from "./architecture.ts";
export {
  DATA_TYPES,
  type SifDescriptor,
  type SifLink,
  type SifPlacement,
  type SifRecord,
} from "./descriptor.ts";
export type { SifHeader } from "./header.ts";
export {
  FILE_SYSTEMS,
  PARTITION_TYPES,
  partitionExtra,
  primaryPartition,
  type SifPartition,
} from "./partition.ts";
export { planSif, type SifObjectInput, type SifPlan } from "./plan-sif.ts";
export { readObject } from "./read-object.ts";
export { MAX_SLOTS, readSif, type SifMetadata } from "./read-sif.ts";
export { isDeterministic, signedDescriptorBytes, signedHeaderBytes } from "./signed-bytes.ts";
export { SifError, type SifErrorCode } from "./sif-error.ts";
