export { bigImage } from "./big-image.ts";
export { compareTrees, type CompareOptions } from "./compare-trees.ts";
export { startDockerRegistry, type DockerRegistry } from "./docker-registry.ts";
export { noiseBytes, textBytes } from "./generated-bytes.ts";
export { nameText, readTree, type FileFacts, type FileType, type Tree } from "./read-tree.ts";
export { run, runForBytes, type RunOptions } from "./run.ts";
export { pushImage, recompressImage, type PushOptions } from "./skopeo.ts";
export { comparableHere, smallImage } from "./small-image.ts";
export {
  canMount,
  cutPartition,
  mayMount,
  rdUnsquash,
  unsquash,
  withFuseMount,
  withKernelMount,
  type PartitionRange,
} from "./squashfs-readers.ts";
export {
  blobPath,
  buildImage,
  layersOf,
  umociUnpack,
  type BuildConfig,
  type LayoutImage,
} from "./umoci.ts";
