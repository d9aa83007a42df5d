import { describePackage, type DescribedPackage } from "./describe-package.ts";
import type { MessageOf, SchemaOf, ServiceOf } from "./field-tables.ts";

/**
 * siflet's own service beside that of images, for runtimes and people of the same node. Fields are only
 * ever added; times are milliseconds since 1970, and 0 where there is none.
 */
const ADMIN_V1 = {
  name: "siflet.admin.v1",
  messages: {
    /** `image` is a name, an id or the beginning of one; `owner` says who keeps it. */
    BorrowAndPathRequest: {
      image: [1, "string"],
      owner: [2, "string"],
      expiresAtMs: [3, "int64"],
      note: [4, "string"],
    },
    /** All that a runtime needs to mount the file; offset and size are bytes in it. */
    BorrowAndPathResponse: {
      imageId: [1, "string"],
      path: [2, "string"],
      partitionOffset: [3, "uint64"],
      partitionSize: [4, "uint64"],
      compressor: [5, "string"],
      architecture: [6, "string"],
      /** JSON of the OCI ImageConfig; empty where the file holds none. */
      ociConfig: [7, "string"],
    },
    ReturnRequest: { image: [1, "string"], owner: [2, "string"] },
    /** Of the images that were returned just now; none where there was nothing to return. */
    ReturnResponse: { imageIds: [1, "string[]"] },
    /** Empty fields take every image, and every owner. */
    ListBorrowsRequest: { image: [1, "string"], owner: [2, "string"] },
    Borrow: {
      imageId: [1, "string"],
      owner: [2, "string"],
      /** The name that it was taken under; empty: by id. */
      reference: [3, "string"],
      takenAtMs: [4, "int64"],
      expiresAtMs: [5, "int64"],
      note: [6, "string"],
    },
    ListBorrowsResponse: { borrows: [1, "Borrow[]"] },
    ListPullsRequest: {},
    Layer: {
      digest: [1, "string"],
      size: [2, "uint64"],
      fetchedBytes: [3, "uint64"],
      convertedBytes: [4, "uint64"],
      done: [5, "bool"],
    },
    Pull: {
      /** Counts pulls since the daemon started. */
      number: [1, "uint64"],
      reference: [2, "string"],
      startedAtMs: [3, "int64"],
      /** `resolving`, `verifying`, `fetching`, `writing`, `publishing` or `present`. */
      stage: [4, "string"],
      layers: [5, "Layer[]"],
      writtenBytes: [6, "uint64"],
      totalBytes: [7, "uint64"],
    },
    ListPullsResponse: { pulls: [1, "Pull[]"] },
    /** All pulls, at once and whenever something about them has changed. */
    WatchPullsRequest: {},
    WatchPullsResponse: { pulls: [1, "Pull[]"] },
    WatchEventsRequest: {},
    WatchEventsResponse: {
      /**
       * `watching`, once and first: whatever comes from now on is told. `pulled`: a new image is there. `moved`: a name means another image than before. `removed`: an
       * image is gone. `lost`: the watcher was too slow, and what happened meanwhile is not known.
       */
      kind: [1, "string"],
      imageId: [2, "string"],
      /** For `moved`; where `image_id` is empty, it means nothing any more. */
      name: [3, "string"],
      /** For `moved`: what it meant before; empty: nothing. */
      previousId: [4, "string"],
    },
  },
  services: {
    AdminService: {
      borrowAndPath: ["BorrowAndPathRequest", "BorrowAndPathResponse"],
      return: ["ReturnRequest", "ReturnResponse"],
      listBorrows: ["ListBorrowsRequest", "ListBorrowsResponse"],
      listPulls: ["ListPullsRequest", "ListPullsResponse"],
      watchPulls: ["WatchPullsRequest", "WatchPullsResponse", "stream"],
      watchEvents: ["WatchEventsRequest", "WatchEventsResponse", "stream"],
    },
  },
} as const;

type AdminV1 = typeof ADMIN_V1;
export type AdminMessageName = keyof AdminV1["messages"];
/** A message of siflet's own service by its name there. */
export type AdminMessage<Name extends AdminMessageName> = MessageOf<AdminV1, Name>;

const described: DescribedPackage<AdminV1> = describePackage(ADMIN_V1);

/** What makes, encodes and decodes that message. */
export function adminSchema<Name extends AdminMessageName>(name: Name): SchemaOf<AdminV1, Name> {
  return described.message(name);
}

export const AdminService: ServiceOf<AdminV1, "AdminService"> = described.service("AdminService");
