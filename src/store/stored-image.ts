import type { Digest, Platform, Profile } from "../image/index.ts";

/** Canonical names of one image, in the order in which they came. */
export interface Names {
  /** `docker.io/library/busybox:latest`, `local.file/home/me/my.sif`. */
  readonly tags: readonly string[];
  /** `docker.io/library/busybox@sha256:…`, `cloud.sylabs.io/me/col/img:sha256.…`. */
  readonly digests: readonly string[];
}

/** One layer as it was delivered: the blob's digest and size, and the digest of its tar stream. */
export interface SourceLayer {
  readonly digest: Digest;
  readonly diffId: Digest;
  /** Bytes of the blob. */
  readonly size: number;
  readonly mediaType: string;
}

/** Where an image came from when it was first stored; none of it is part of the SIF. */
export interface Provenance {
  /** What the user asked for, without credentials. */
  readonly reference: string;
  /** Registry host and port; absent where the caller brought the bytes. */
  readonly host?: string;
  /** The library did not say beforehand of what bytes it is, and was configured so that it need not. */
  readonly unverified?: true;
  readonly indexDigest?: Digest;
  readonly manifestDigest?: Digest;
  readonly configDigest?: Digest;
  readonly layers: readonly SourceLayer[];
}

/**
 * `layers`: converted here from OCI layers; `sif`: came as a finished SIF file; `local`: a SIF file
 * of this host, described where it lies.
 */
export type Origin = "layers" | "sif" | "local";

/** A file of this host outside the store. */
export interface LocalFile {
  /** Absolute. */
  readonly path: string;
  /** Device, inode, size and times: another text is another file, or other bytes in it. */
  readonly identity: string;
}

/** Why and until when an image may not be removed. Times are milliseconds since 1970. */
export interface Borrow {
  readonly who: string;
  /** The canonical name that it was taken under, whatever that means by now; absent: by id. */
  readonly reference?: string;
  readonly takenAt: number;
  readonly expiresAt?: number;
  readonly note?: string;
}

/** What the database says of one image; times are milliseconds since 1970. */
export interface ImageRecord {
  /** Lower-case hex SHA-256 of the SIF file: 64 characters. */
  readonly id: string;
  /** Bytes of the SIF file. */
  readonly size: number;
  readonly names: Names;
  readonly origin: Origin;
  /** Design decision 2; absent where the image was not converted here. */
  readonly contentKey?: string;
  readonly profile?: Profile;
  readonly platform: Platform;
  /** The `oci-config.json` of the SIF; absent where it holds none. */
  readonly ociConfigJson?: string;
  readonly source: Provenance;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** Unexpired borrows in order of `who`. */
  readonly borrowers: readonly Borrow[];
  /** Never removed to make room; removing it by name works. */
  readonly pinned: boolean;
  /** Whether somebody put it here by hand, so that no registry was ever asked for permission. */
  readonly sideLoaded: boolean;
  /** Kubernetes' runtime handler that it was pulled for; absent: the usual one, or none. */
  readonly runtimeHandler?: string;
  /** Files of this host that are this image, besides the one in the store. */
  readonly localFiles: readonly LocalFile[];
}

/** One image of a store. */
export interface StoredImage extends ImageRecord {
  /** Absolute path of the SIF file; for origin `local` that of the first of `localFiles`. */
  readonly path: string;
}

/** Blobs that a registry host delivered in full, each with the diffID it unpacked to. */
export interface DeliveredLayer {
  readonly blobDigest: Digest;
  readonly diffId: Digest;
}

/** What a manifest or index of one repository was found to hold. */
export interface ManifestKey {
  readonly host: string;
  readonly repository: string;
  readonly digest: Digest;
  /** The platform chosen from an index, as the caller spells it; "" for an image manifest. */
  readonly platform: string;
}

export interface ManifestRecord extends ManifestKey {
  readonly contentKey: string;
}

/** What `publish` records beside the file; see `ImageRecord` for the fields of that name. */
export interface NewImage extends Omit<
  ImageRecord,
  "lastUsedAt" | "borrowers" | "pinned" | "sideLoaded" | "runtimeHandler" | "localFiles"
> {
  /** Marks the image as put here by hand; absent: no change. */
  readonly sideLoaded?: true;
  /** For origin `local`: the file that it is. */
  readonly localFile?: LocalFile;
  /** Recorded in the same transaction, so that a later pull may know the layers again. */
  readonly deliveries?: {
    readonly host: string;
    readonly layers: readonly DeliveredLayer[];
  };
  readonly manifest?: ManifestRecord;
}

/** A verified SIF file that is ready to become an image of the store. */
export interface Publication extends NewImage {
  /** Path of the file, inside a `Staging` of the same store. */
  readonly file: string;
}

/** Details of a borrow. */
export interface BorrowOptions {
  /** Milliseconds since 1970 from which on the borrow counts no more; absent = until returned. */
  readonly expiresAt?: number;
  readonly note?: string;
}
