import type { Limits } from "../base/index.ts";
import type { LibrarySettings, TrustNames, TrustRule } from "../config/index.ts";
import type { AuthConfig } from "../credentials/index.ts";
import type { Compression, Layout, Owners, Platform } from "../image/index.ts";
import type { OnPullEvent } from "../pull/index.ts";
import type { TransferLimits } from "../transfer/index.ts";

/** A call that can be stopped. */
export interface Stoppable {
  /**
   * The call throws its reason when it aborts, and what was begun becomes no image and no file. A store
   * keeps layers that are converted, and for a day the large ones that did not come to their end: the
   * next pull needs less.
   */
  readonly signal?: AbortSignal;
}

/** How images come to this machine. Everything has a usual value. */
export interface SourceSettings {
  /** `HOST[:PORT]` of registries that speak plain http; loopback ones need not be named. */
  readonly plainHttp?: readonly string[];
  /**
   * Absolute paths of directories with a directory for each registry, as containerd's `config_path` and
   * Docker's `certs.d` are: mirrors, certificates, headers. Absent: none is read.
   */
  readonly registryDirectories?: readonly string[];
  /** Whether what containers' registries.conf blocks is refused; absent: it is not read. */
  readonly obeyBlocked?: boolean;
  readonly limits?: Partial<Limits>;
  /** How much may be on its way at a time; what is absent is the usual: 4, 8 and 16. */
  readonly transfers?: Partial<TransferLimits>;
  /** Milliseconds that the body of an answer may bring nothing; absent: a minute. */
  readonly idleMs?: number;
  /** That the body of an answer must bring over any half minute; absent: 100, and 0: any will do. */
  readonly minBytesPerSecond?: number;
  /**
   * IP addresses and subnets (`10.0.0.0/8`) that registries may send us to by redirects, token services
   * and the like, besides public ones and those of their own kind; absent: none.
   */
  readonly serverNamedAddresses?: readonly string[];
  /**
   * A file of credentials, as podman and Docker have it, which must be there; it comes before
   * `REGISTRY_AUTH_FILE`, `DOCKER_AUTH_CONFIG` and the usual files of the user.
   */
  readonly authFile?: string;
  /**
   * `HOST[:PORT]` of token services by the registries (`HOST[:PORT]`) whose credentials they may see;
   * those under a registry's own domain may in any case.
   */
  readonly tokenRealms?: Readonly<Record<string, readonly string[]>>;
  /**
   * `HOST[:PORT]` of mirrors by the registries (`HOST[:PORT]`) of images: those mirrors are shown the
   * credentials that a pull brings for the registry. All others are not.
   */
  readonly mirrorLogins?: Readonly<Record<string, readonly string[]>>;
  /**
   * How libraries are reached and as whom, by the host that references name (`cloud.sylabs.io` is the
   * default one), in the configuration's shape. Singularity's and Apptainer's remote.yaml come behind it.
   */
  readonly libraries?: Readonly<Record<string, LibraryChoice>>;
  /** Which SIF files of this host `local.file` may name; absent: any that can be read. */
  readonly localDirectories?: readonly string[];
  /** Absolute paths of SIF files by what stands behind `local.file/`. */
  readonly localAliases?: Readonly<Record<string, string>>;
  /** Whose signatures an image needs; absent: nobody's, and a signature that is broken is refused. */
  readonly trust?: TrustSettings;
}

/** A policy of trust, and where the keys of signers are found. */
export interface TrustSettings extends Partial<TrustRule> {
  /** Rules by patterns of names: `registry.example/prod/*`; what says most of a name counts. */
  readonly names?: TrustNames;
  /** Whether signatures of before Singularity 3.6 count, which leave out what a file says of itself. */
  readonly legacyInsecure?: boolean;
  /**
   * Absolute paths of files of OpenPGP keys, armored or not; absent: the keyrings of the machine and the user,
   * as the command line has them.
   */
  readonly keyrings?: readonly string[];
  /**
   * Absolute path of a containers' policy.json that must accept images, too, or `system` for the one that
   * containers' other tools read; absent: there is none.
   */
  readonly policyJson?: string;
}

/** How one library is reached; `LibrarySettings` of the configuration, its token as it is. */
export interface LibraryChoice extends Omit<LibrarySettings, "token"> {
  readonly token?: string;
}

/** What one pull may ask for; everything has a usual value. */
export interface PullWish extends Stoppable {
  /** Absent: Linux on this machine's architecture. */
  readonly platform?: Platform;
  /** Absent: any that is there already, else gzip, which every runtime reads. */
  readonly compression?: Compression;
  /** Absent: any that is there already, else as the image says. */
  readonly owners?: Owners;
  /**
   * What is added to the image's files: for SingularityCE and Apptainer what they look for
   * (`runtime`), for runtimes that only need the OCI configuration nothing (`plain`). Absent: any
   * that is there already, else `runtime`.
   */
  readonly layout?: Layout;
  /** Compressing threads; absent: one for each core, 8 at most. */
  readonly jobs?: number;
  /** Directory that layers over 16 MiB are spooled in; absent: beside the result. */
  readonly tmpDirectory?: string;
  /**
   * References, each with a tag, that an image of a layout or an archive gets; absent: the names that
   * stand there. With an image of a registry, which has a name, it is refused.
   */
  readonly names?: readonly string[];
  /**
   * For the registry of the reference, and for no other host; they come before those of files. For a
   * library that is an `identityToken`.
   */
  readonly credentials?: AuthConfig;
  /** Told how far it is; what it throws ends this one call, which throws the same. */
  readonly onProgress?: OnPullEvent;
}
