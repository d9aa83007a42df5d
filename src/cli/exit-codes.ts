import type { LimitCode } from "../base/index.ts";
import type { ConfigErrorCode } from "../config/index.ts";
import type { ConvertError } from "../convert/index.ts";
import type { HttpErrorCode } from "../http/index.ts";
import type { ContentError, ImageErrorCode } from "../image/index.ts";
import type { LayerErrorCode } from "../layers/index.ts";
import type { PackError } from "../packs/index.ts";
import type { PullError } from "../pull/index.ts";
import type { RegistryErrorCode } from "../registry/index.ts";
import type { SifErrorCode } from "../sif/index.ts";
import type { SquashfsErrorCode } from "../squashfs/index.ts";
import type { StoreErrorCode } from "../store/index.ts";
import type { TreeError } from "../tree/index.ts";
import type { CliErrorCode } from "./cli-error.ts";

/** The codes of every class of coded errors: a new one does not compile until it has a row below. */
export type ErrorCode =
  | CliErrorCode
  | ConfigErrorCode
  | ContentError["code"]
  | ConvertError["code"]
  | HttpErrorCode
  | ImageErrorCode
  | LayerErrorCode
  | LimitCode
  | PackError["code"]
  | PullError["code"]
  | RegistryErrorCode
  | SifErrorCode
  | SquashfsErrorCode
  | StoreErrorCode
  | TreeError["code"];

/** Exit codes by what went wrong. Scripts branch on them: a number, once released, stays. */
export const EXIT = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  notFound: 3,
  denied: 4,
  network: 5,
  content: 6,
  badImage: 7,
  limit: 8,
  noSpace: 9,
  store: 10,
  inUse: 11,
  output: 12,
  unsupported: 13,
  /** The machine, as `siflet doctor` found it. */
  unfit: 14,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The exit code of each error code; docs/errors.md has the same rows. */
export const EXIT_CODES: Readonly<Record<ErrorCode, ExitCode>> = {
  USAGE: EXIT.usage,
  REFERENCE_INVALID: EXIT.usage,
  PLATFORM_INVALID: EXIT.usage,
  HTTP_PROXY_INVALID: EXIT.usage,
  PATH_WRONG_TYPE: EXIT.usage,
  CONFIG_FILE_INVALID: EXIT.usage,
  CONFIG_FILE_UNREADABLE: EXIT.usage,
  CONFIG_NO_HOME: EXIT.usage,

  NOT_FOUND: EXIT.notFound,
  PLATFORM_NOT_FOUND: EXIT.notFound,
  PATH_NOT_FOUND: EXIT.notFound,

  REGISTRY_UNAUTHORIZED: EXIT.denied,
  REGISTRY_DENIED: EXIT.denied,
  LOCAL_FILE_REFUSED: EXIT.denied,
  LOCAL_FILE_UNREADABLE: EXIT.denied,

  HTTP_UNREACHABLE: EXIT.network,
  HTTP_TIMEOUT: EXIT.network,
  HTTP_REDIRECT: EXIT.network,
  HTTP_ADDRESS_REFUSED: EXIT.network,
  HTTP_PROTOCOL: EXIT.network,
  REGISTRY_RATE_LIMITED: EXIT.network,
  REGISTRY_STATUS: EXIT.network,
  REGISTRY_REALM: EXIT.network,
  REGISTRY_TOKEN: EXIT.network,

  CONTENT_SIZE_MISMATCH: EXIT.content,
  CONTENT_DIGEST_MISMATCH: EXIT.content,

  JSON_INVALID: EXIT.badImage,
  DIGEST_INVALID: EXIT.badImage,
  DESCRIPTOR_INVALID: EXIT.badImage,
  MANIFEST_INVALID: EXIT.badImage,
  CONFIG_INVALID: EXIT.badImage,
  INFO_INVALID: EXIT.badImage,
  LAYER_CORRUPT: EXIT.badImage,
  LAYER_TRUNCATED: EXIT.badImage,
  TAR_CHECKSUM: EXIT.badImage,
  TAR_HEADER: EXIT.badImage,
  TAR_PAX: EXIT.badImage,
  TAR_SPARSE: EXIT.badImage,
  TAR_TYPE: EXIT.badImage,
  TAR_PATH: EXIT.badImage,
  TAR_ID: EXIT.badImage,
  TAR_DEVICE: EXIT.badImage,
  TAR_TRUNCATED: EXIT.badImage,
  TREE_WHITEOUT: EXIT.badImage,
  TREE_LINK_TARGET: EXIT.badImage,
  TREE_LINK_LOOP: EXIT.badImage,
  TREE_PARENT: EXIT.badImage,
  SIF_MAGIC: EXIT.badImage,
  SIF_VERSION: EXIT.badImage,
  SIF_TABLE: EXIT.badImage,
  SIF_OBJECT: EXIT.badImage,
  SQUASHFS_SUPERBLOCK: EXIT.badImage,
  SQUASHFS_TABLE: EXIT.badImage,
  SQUASHFS_BLOCK: EXIT.badImage,
  SQUASHFS_INODE: EXIT.badImage,
  SQUASHFS_DIRECTORY: EXIT.badImage,
  SQUASHFS_XATTR: EXIT.badImage,
  PATH_LINK_LOOP: EXIT.badImage,

  LIMIT_MANIFEST_BYTES: EXIT.limit,
  LIMIT_CONFIG_BYTES: EXIT.limit,
  LIMIT_LAYERS: EXIT.limit,
  LIMIT_ENTRIES: EXIT.limit,
  LIMIT_LAYER_BYTES: EXIT.limit,
  LIMIT_IMAGE_BYTES: EXIT.limit,
  LIMIT_HEADER_BYTES: EXIT.limit,
  LIMIT_PATH_BYTES: EXIT.limit,
  LIMIT_PATH_DEPTH: EXIT.limit,
  LIMIT_LINK_TARGET_BYTES: EXIT.limit,
  LIMIT_XATTR_BYTES: EXIT.limit,
  LIMIT_SPARSE_SEGMENTS: EXIT.limit,
  LIMIT_ZSTD_WINDOW: EXIT.limit,
  LIMIT_IDS: EXIT.limit,
  LIMIT_NAME_BYTES: EXIT.limit,
  LIMIT_IMAGE_XATTR_BYTES: EXIT.limit,
  LIMIT_LINK_STEPS: EXIT.limit,
  LIMIT_LOGICAL_BYTES: EXIT.limit,

  NO_SPACE: EXIT.noSpace,

  STORE_BUSY: EXIT.store,
  STORE_DAMAGED: EXIT.store,
  STORE_EXISTS: EXIT.store,
  STORE_READ_ONLY: EXIT.store,
  STORE_SCHEMA: EXIT.store,
  STORE_UNAVAILABLE: EXIT.store,
  PACK_DAMAGED: EXIT.store,

  IS_USED: EXIT.inUse,

  OUTPUT_EXISTS: EXIT.output,
  OUTPUT_FAILED: EXIT.output,
  STDOUT_FAILED: EXIT.output,

  REFERENCE_TRANSPORT: EXIT.unsupported,
  NOT_LIBRARY: EXIT.unsupported,
  MANIFEST_SCHEMA1: EXIT.unsupported,
  MANIFEST_UNSUPPORTED: EXIT.unsupported,
  LAYER_COMPRESSION: EXIT.unsupported,
  LAYER_ENCRYPTED: EXIT.unsupported,
  SIF_ARCHITECTURE: EXIT.unsupported,
  SQUASHFS_COMPRESSOR: EXIT.unsupported,
  FILE_SYSTEM_UNSUPPORTED: EXIT.unsupported,

  CONVERT_THREAD: EXIT.unexpected,
};

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(EXIT_CODES, code);
}
