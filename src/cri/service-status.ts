import { Code } from "@connectrpc/connect";
import type { ErrorCode } from "../codes/index.ts";

/**
 * What begins the message of an error that the kubelet shows as the reason why a container waits. It looks
 * for them only where the code is UNKNOWN.
 */
export type Marker = "RegistryUnavailable" | "SignatureValidationFailed";

/** How one error code is answered. */
export interface ServiceStatus {
  readonly code: Code;
  readonly marker?: Marker;
}

const invalid: ServiceStatus = { code: Code.InvalidArgument };
const notFound: ServiceStatus = { code: Code.NotFound };
const unauthenticated: ServiceStatus = { code: Code.Unauthenticated };
const denied: ServiceStatus = { code: Code.PermissionDenied };
const unavailable: ServiceStatus = { code: Code.Unknown, marker: "RegistryUnavailable" };
const untrusted: ServiceStatus = { code: Code.Unknown, marker: "SignatureValidationFailed" };
const exhausted: ServiceStatus = { code: Code.ResourceExhausted };
const stalled: ServiceStatus = { code: Code.DeadlineExceeded };
const broken: ServiceStatus = { code: Code.DataLoss };
/** Somebody has to change something first: the configuration, the image or its users. */
const precondition: ServiceStatus = { code: Code.FailedPrecondition };
const busy: ServiceStatus = { code: Code.Unavailable };
const internal: ServiceStatus = { code: Code.Internal };

/**
 * How each error code is answered over gRPC.
 *
 * @see cri.md §2.4
 */
export const SERVICE_STATUS: Readonly<Record<ErrorCode, ServiceStatus>> = {
  REFERENCE_INVALID: invalid,
  REFERENCE_TRANSPORT: invalid,
  PLATFORM_INVALID: invalid,
  CREDENTIALS_INVALID: invalid,
  PATH_WRONG_TYPE: invalid,
  ARCHIVE_AMBIGUOUS: invalid,
  NOT_LIBRARY: invalid,
  USER_ID_INVALID: invalid,
  BUNDLE_USER: invalid,
  BUNDLE_COMMAND: invalid,
  BUNDLE_BIND: invalid,

  NOT_FOUND: notFound,
  PLATFORM_NOT_FOUND: notFound,
  PATH_NOT_FOUND: notFound,
  CREDENTIALS_NOT_FOUND: notFound,
  KEY_NOT_FOUND: notFound,

  REGISTRY_UNAUTHORIZED: unauthenticated,
  LIBRARY_UNAUTHORIZED: unauthenticated,
  CREDENTIAL_HELPER: unauthenticated,

  REGISTRY_DENIED: denied,
  REGISTRY_BLOCKED: denied,
  LIBRARY_DENIED: denied,
  LIBRARY_BLOCKED: denied,
  LIBRARY_UNVERIFIED: denied,
  LOCAL_FILE_REFUSED: denied,
  LOCAL_FILE_UNREADABLE: denied,
  ARCHIVE_UNREADABLE: denied,
  HTTP_ADDRESS_REFUSED: denied,

  HTTP_UNREACHABLE: unavailable,
  HTTP_TIMEOUT: unavailable,
  HTTP_REDIRECT: unavailable,
  HTTP_PROTOCOL: unavailable,
  REGISTRY_RATE_LIMITED: unavailable,
  REGISTRY_STATUS: unavailable,
  REGISTRY_TOKEN: unavailable,
  REGISTRY_UPLOAD: unavailable,
  REGISTRY_REFERRERS: unavailable,
  LIBRARY_RATE_LIMITED: unavailable,
  LIBRARY_STATUS: unavailable,
  LIBRARY_PROTOCOL: unavailable,
  LIBRARY_DISCOVERY: unavailable,
  KEY_SERVER: unavailable,

  HTTP_STALLED: stalled,

  TRUST_REQUIRED: untrusted,
  TRUST_FORBIDDEN: untrusted,
  SIGNATURE_FORMAT: untrusted,
  SIGNATURE_HASH: untrusted,
  SIGNATURE_WEAK_HASH: untrusted,
  SIGNATURE_INVALID: untrusted,
  SIGNATURE_EXPIRED: untrusted,
  SIGNATURE_SIGNER_UNKNOWN: untrusted,
  SIGNATURE_KEY_EXPIRED: untrusted,
  SIGNATURE_KEY_REVOKED: untrusted,
  SIGNATURE_KEY_KIND: untrusted,
  SIGNATURE_KEY_UNUSABLE: untrusted,
  SIGNATURE_FINGERPRINT: untrusted,
  SIGNATURE_METADATA: untrusted,
  SIGNATURE_OBJECT_UNSIGNED: untrusted,
  SIGNATURE_OBJECT_ABSENT: untrusted,
  SIGNATURE_HEADER: untrusted,
  SIGNATURE_DESCRIPTOR: untrusted,
  SIGNATURE_DATA: untrusted,
  SIGNATURE_LEGACY: untrusted,
  SIGNATURE_NONE: untrusted,
  SIGNATURE_NO_GROUPS: untrusted,
  SIGNATURE_NO_GROUP: untrusted,
  SIGNATURE_NO_OBJECT: untrusted,
  SIGNATURE_UNGROUPED: untrusted,
  SIGNATURE_DIGEST: untrusted,
  SIGNATURE_IDENTITY: untrusted,
  SIGNATURE_CERTIFICATE: untrusted,
  SIGNATURE_LOG: untrusted,
  SIGNATURE_TIME: untrusted,
  SIGNATURE_REFERENCE: untrusted,
  SIGNATURE_LIMIT: untrusted,
  POLICY_REJECTS: untrusted,
  POLICY_SIGNED_BY: untrusted,
  CERTIFICATE_INVALID: untrusted,
  KEY_UNUSABLE: untrusted,

  NO_SPACE: exhausted,
  LIBRARY_QUOTA: exhausted,
  LIMIT_MANIFEST_BYTES: exhausted,
  LIMIT_CONFIG_BYTES: exhausted,
  LIMIT_LAYERS: exhausted,
  LIMIT_ENTRIES: exhausted,
  LIMIT_LAYER_BYTES: exhausted,
  LIMIT_IMAGE_BYTES: exhausted,
  LIMIT_HEADER_BYTES: exhausted,
  LIMIT_PATH_BYTES: exhausted,
  LIMIT_PATH_DEPTH: exhausted,
  LIMIT_LINK_TARGET_BYTES: exhausted,
  LIMIT_XATTR_BYTES: exhausted,
  LIMIT_SPARSE_SEGMENTS: exhausted,
  LIMIT_ZSTD_WINDOW: exhausted,
  LIMIT_IDS: exhausted,
  LIMIT_NAME_BYTES: exhausted,
  LIMIT_IMAGE_XATTR_BYTES: exhausted,
  LIMIT_LINK_STEPS: exhausted,
  LIMIT_LOGICAL_BYTES: exhausted,
  LIMIT_ARCHIVE_ENTRIES: exhausted,
  LIMIT_ARCHIVE_BYTES: exhausted,

  CONTENT_SIZE_MISMATCH: broken,
  CONTENT_DIGEST_MISMATCH: broken,
  ARCHIVE_CHANGED: broken,
  JSON_INVALID: broken,
  DIGEST_INVALID: broken,
  DESCRIPTOR_INVALID: broken,
  MANIFEST_INVALID: broken,
  CONFIG_INVALID: broken,
  INFO_INVALID: broken,
  ARCHIVE_INVALID: broken,
  LAYER_CORRUPT: broken,
  LAYER_TRUNCATED: broken,
  TAR_CHECKSUM: broken,
  TAR_HEADER: broken,
  TAR_PAX: broken,
  TAR_SPARSE: broken,
  TAR_TYPE: broken,
  TAR_PATH: broken,
  TAR_ID: broken,
  TAR_DEVICE: broken,
  TAR_TRUNCATED: broken,
  TREE_WHITEOUT: broken,
  TREE_LINK_TARGET: broken,
  TREE_LINK_LOOP: broken,
  TREE_PARENT: broken,
  SIF_MAGIC: broken,
  SIF_VERSION: broken,
  SIF_TABLE: broken,
  SIF_OBJECT: broken,
  SQUASHFS_SUPERBLOCK: broken,
  SQUASHFS_TABLE: broken,
  SQUASHFS_BLOCK: broken,
  SQUASHFS_INODE: broken,
  SQUASHFS_DIRECTORY: broken,
  SQUASHFS_XATTR: broken,
  PATH_LINK_LOOP: broken,

  IS_USED: precondition,
  DAEMON_RUNNING: precondition,
  DAEMON_SOCKET: precondition,
  DAEMON_UNREACHABLE: precondition,
  DAEMON_REFUSED: precondition,
  OCI_SIF: precondition,
  LIBRARY_UNSUPPORTED: precondition,
  ARCHIVE_UNSUPPORTED: precondition,
  MANIFEST_SCHEMA1: precondition,
  MANIFEST_UNSUPPORTED: precondition,
  LAYER_COMPRESSION: precondition,
  LAYER_ENCRYPTED: precondition,
  SIF_ARCHITECTURE: precondition,
  SQUASHFS_COMPRESSOR: precondition,
  FILE_SYSTEM_UNSUPPORTED: precondition,
  REGISTRY_REALM: precondition,
  REGISTRY_NO_HOST: precondition,
  HTTP_PROXY_INVALID: precondition,
  CONFIG_FILE_INVALID: precondition,
  CONFIG_FILE_UNREADABLE: precondition,
  CONFIG_NO_HOME: precondition,
  CREDENTIALS_FILE: precondition,
  REGISTRY_CONFIG: precondition,
  TRUST_LIST: precondition,
  LIBRARY_CONFIG: precondition,
  KEY_UNREADABLE: precondition,
  KEY_LOCKED: precondition,
  KEYRING_FILE: precondition,
  POLICY_INVALID: precondition,
  TRUSTED_ROOT_INVALID: precondition,
  STORE_EXISTS: precondition,
  BUNDLE_EXISTS: precondition,
  BUNDLE_NOT_OURS: precondition,
  BUNDLE_BUSY: precondition,
  BUNDLE_MOUNT: precondition,
  BUNDLE_OVERLAY: precondition,
  BUNDLE_ARCHITECTURE: precondition,
  STORE_READ_ONLY: precondition,
  STORE_SCHEMA: precondition,

  STORE_BUSY: busy,
  STORE_UNAVAILABLE: busy,

  STORE_DAMAGED: internal,
  PACK_DAMAGED: internal,
  OUTPUT_EXISTS: internal,
  OUTPUT_FAILED: internal,
  BUNDLE_DIRECTORY: internal,
  CONVERT_THREAD: internal,
};

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(SERVICE_STATUS, code);
}
