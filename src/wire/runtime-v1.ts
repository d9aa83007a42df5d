import { describePackage, type DescribedPackage } from "./describe-package.ts";
import type { MessageOf, SchemaOf, ServiceOf } from "./field-tables.ts";

/**
 * What siflet speaks of Kubernetes' container runtime interface: the image service, and of the runtime
 * service what a service of images alone can answer. Fields that are left out are passed over.
 *
 * @see cri.md §1.3, §1.4
 */
const RUNTIME_V1 = {
  name: "runtime.v1",
  messages: {
    ImageSpec: {
      image: [1, "string"],
      annotations: [2, "map"],
      userSpecifiedImage: [18, "string"],
      runtimeHandler: [19, "string"],
      imageRef: [20, "string"],
    },
    Int64Value: { value: [1, "int64"] },
    UInt64Value: { value: [1, "uint64"] },
    Image: {
      id: [1, "string"],
      repoTags: [2, "string[]"],
      repoDigests: [3, "string[]"],
      size: [4, "uint64"],
      uid: [5, "Int64Value"],
      username: [6, "string"],
      spec: [7, "ImageSpec"],
      pinned: [8, "bool"],
    },
    ImageFilter: { image: [1, "ImageSpec"] },
    AuthConfig: {
      username: [1, "string"],
      password: [2, "string"],
      auth: [3, "string"],
      serverAddress: [4, "string"],
      identityToken: [5, "string"],
      registryToken: [6, "string"],
    },
    PodSandboxMetadata: {
      name: [1, "string"],
      uid: [2, "string"],
      namespace: [3, "string"],
      attempt: [4, "uint32"],
    },
    LinuxPodSandboxConfig: { cgroupParent: [1, "string"] },
    PodSandboxConfig: {
      metadata: [1, "PodSandboxMetadata"],
      hostname: [2, "string"],
      logDirectory: [3, "string"],
      labels: [6, "map"],
      annotations: [7, "map"],
      linux: [8, "LinuxPodSandboxConfig"],
    },
    ListImagesRequest: { filter: [1, "ImageFilter"] },
    ListImagesResponse: { images: [1, "Image[]"] },
    StreamImagesRequest: { filter: [1, "ImageFilter"] },
    StreamImagesResponse: { images: [1, "Image[]"] },
    ImageStatusRequest: { image: [1, "ImageSpec"], verbose: [2, "bool"] },
    ImageStatusResponse: { image: [1, "Image"], info: [2, "map"] },
    PullImageRequest: {
      image: [1, "ImageSpec"],
      auth: [2, "AuthConfig"],
      sandboxConfig: [3, "PodSandboxConfig"],
    },
    PullImageResponse: { imageRef: [1, "string"] },
    RemoveImageRequest: { image: [1, "ImageSpec"] },
    RemoveImageResponse: {},
    ImageFsInfoRequest: {},
    FilesystemIdentifier: { mountpoint: [1, "string"] },
    FilesystemUsage: {
      timestamp: [1, "int64"],
      fsId: [2, "FilesystemIdentifier"],
      usedBytes: [3, "UInt64Value"],
      inodesUsed: [4, "UInt64Value"],
    },
    ImageFsInfoResponse: {
      imageFilesystems: [1, "FilesystemUsage[]"],
      containerFilesystems: [2, "FilesystemUsage[]"],
    },
    VersionRequest: { version: [1, "string"] },
    VersionResponse: {
      version: [1, "string"],
      runtimeName: [2, "string"],
      runtimeVersion: [3, "string"],
      runtimeApiVersion: [4, "string"],
    },
    StatusRequest: { verbose: [1, "bool"] },
    RuntimeCondition: {
      type: [1, "string"],
      status: [2, "bool"],
      reason: [3, "string"],
      message: [4, "string"],
    },
    RuntimeStatus: { conditions: [1, "RuntimeCondition[]"] },
    StatusResponse: { status: [1, "RuntimeStatus"], info: [2, "map"] },
    RuntimeConfigRequest: {},
    LinuxRuntimeConfiguration: { cgroupDriver: [1, "int32"] },
    RuntimeConfigResponse: { linux: [1, "LinuxRuntimeConfiguration"] },
    ListContainersRequest: {},
    ListContainersResponse: {},
    ListPodSandboxRequest: {},
    ListPodSandboxResponse: {},
  },
  services: {
    ImageService: {
      listImages: ["ListImagesRequest", "ListImagesResponse"],
      streamImages: ["StreamImagesRequest", "StreamImagesResponse", "stream"],
      imageStatus: ["ImageStatusRequest", "ImageStatusResponse"],
      pullImage: ["PullImageRequest", "PullImageResponse"],
      removeImage: ["RemoveImageRequest", "RemoveImageResponse"],
      imageFsInfo: ["ImageFsInfoRequest", "ImageFsInfoResponse"],
    },
    RuntimeService: {
      version: ["VersionRequest", "VersionResponse"],
      status: ["StatusRequest", "StatusResponse"],
      runtimeConfig: ["RuntimeConfigRequest", "RuntimeConfigResponse"],
      listContainers: ["ListContainersRequest", "ListContainersResponse"],
      listPodSandbox: ["ListPodSandboxRequest", "ListPodSandboxResponse"],
    },
  },
} as const;

type RuntimeV1 = typeof RUNTIME_V1;
export type RuntimeMessageName = keyof RuntimeV1["messages"];
/** A message of the interface by its name there. */
export type RuntimeMessage<Name extends RuntimeMessageName> = MessageOf<RuntimeV1, Name>;

const described: DescribedPackage<RuntimeV1> = describePackage(RUNTIME_V1);

/** What makes, encodes and decodes that message. */
export function runtimeSchema<Name extends RuntimeMessageName>(
  name: Name,
): SchemaOf<RuntimeV1, Name> {
  return described.message(name);
}

export const ImageService: ServiceOf<RuntimeV1, "ImageService"> = described.service("ImageService");
export const RuntimeService: ServiceOf<RuntimeV1, "RuntimeService"> =
  described.service("RuntimeService");

/** @see cri.md §1.4, CgroupDriver */
export const CGROUP_DRIVER = { systemd: 0, cgroupfs: 1 } as const;
