export { bigImage } from "./big-image.ts";
export { compareTrees, type CompareOptions } from "./compare-trees.ts";
export {
  startDockerRegistry,
  type DockerRegistry,
  type DockerRegistryOptions,
} from "./docker-registry.ts";
export { startNginx, type Nginx, type NginxOptions } from "./nginx.ts";
export { noiseBytes, textBytes } from "./generated-bytes.ts";
export { nameText, readTree, type FileFacts, type FileType, type Tree } from "./read-tree.ts";
export { run, runForBytes, type RunOptions } from "./run.ts";
export {
  mayOpenFuse,
  ownHost,
  userHost,
  type Ended,
  type ProgramHost,
  type UserSettings,
} from "./program-host.ts";
export { mayRunContainers, runBundle, runcCommand } from "./runc.ts";
export { copyImage, pushImage, recompressImage, type PushOptions } from "./skopeo.ts";
export { comparableHere, smallImage } from "./small-image.ts";
export {
  canMount,
  cutPartition,
  hasMountRight,
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
export { pushFixture } from "./push-fixture.ts";
export { startTokenIssuer, type IssuerUser, type TokenIssuer } from "./token-issuer.ts";
