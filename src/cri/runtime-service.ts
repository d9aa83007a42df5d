import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  CGROUP_DRIVER,
  runtimeSchema,
  type RuntimeMessage,
  type RuntimeService,
} from "../wire/index.ts";

/** What the daemon says of itself. */
export interface DaemonFacts {
  /** Of siflet: `1.2.3`. */
  readonly version: string;
  readonly storeDirectory: string;
  /** Whether systemd has the control groups of this machine in its hands. */
  readonly hasSystemd: boolean;
}

/** Of the kubelet's own interface, which never changed. */
const KUBELET_API_VERSION = "0.1.0";

const IMAGES_ONLY = {
  status: false,
  reason: "ImageServiceOnly",
  message: "siflet serves images alone; containers and their network are another endpoint's",
};

/**
 * What of Kubernetes' runtime service an image service must answer for its clients to start, and what it can
 * answer honestly.
 *
 * @param configDigest - that of the settings in force
 * @see cri.md §1.4
 */
export function runtimeService(
  facts: DaemonFacts,
  configDigest: () => string,
): ServiceImpl<typeof RuntimeService> {
  return {
    version: (): RuntimeMessage<"VersionResponse"> =>
      create(runtimeSchema("VersionResponse"), {
        version: KUBELET_API_VERSION,
        runtimeName: "siflet",
        runtimeVersion: facts.version,
        runtimeApiVersion: "v1",
      }),
    status: ({ verbose }): RuntimeMessage<"StatusResponse"> =>
      create(runtimeSchema("StatusResponse"), {
        status: {
          conditions: ["RuntimeReady", "NetworkReady"].map((type) => ({ ...IMAGES_ONLY, type })),
        },
        info: verbose ? { siflet: JSON.stringify(shown(facts, configDigest())) } : {},
      }),
    runtimeConfig: (): RuntimeMessage<"RuntimeConfigResponse"> =>
      create(runtimeSchema("RuntimeConfigResponse"), {
        linux: {
          cgroupDriver: facts.hasSystemd ? CGROUP_DRIVER.systemd : CGROUP_DRIVER.cgroupfs,
        },
      }),
    listContainers: () => create(runtimeSchema("ListContainersResponse")),
    listPodSandbox: () => create(runtimeSchema("ListPodSandboxResponse")),
  };
}

function shown({ version, storeDirectory }: DaemonFacts, configDigest: string): object {
  return { version, store: storeDirectory, configDigest, services: ["ImageService"] };
}
