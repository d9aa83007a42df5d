import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { isErrno } from "../base/index.ts";
import { imageTextOf, lookupOf, type NodeImages } from "../cri/index.ts";
import { ImageError } from "../image/index.ts";
import { freshImage, rootFileSystem } from "../pull/index.ts";
import type { Borrow, BorrowOptions, StoredImage } from "../store/index.ts";
import { adminSchema, type AdminMessage, type AdminService } from "../wire/index.ts";
import type { RunningPulls } from "./running-pulls.ts";
import { storeEvents } from "./store-events.ts";

/** Every list of borrows and every status of an image tells them: more would fit in none. */
const MOST_OWNER_CHARS = 256;
const MOST_NOTE_CHARS = 4096;
const CONTROL = /\p{Cc}/u;

/** What the service is made of. */
export interface AdminServiceParts {
  readonly images: NodeImages;
  readonly pulls: RunningPulls;
  /** Aborted when the daemon is to stop: who watches is told no more. */
  readonly draining: AbortSignal;
}

interface CallContext {
  readonly signal: AbortSignal;
}

/**
 * siflet's own service beside that of Kubernetes, for runtimes and people of the same node.
 *
 * @see docs/consumers.md
 */
export class SifletAdminService implements ServiceImpl<typeof AdminService> {
  readonly #parts: AdminServiceParts;

  constructor(parts: AdminServiceParts) {
    this.#parts = parts;
  }

  async borrowAndPath(
    request: AdminMessage<"BorrowAndPathRequest">,
    { signal }: CallContext,
  ): Promise<AdminMessage<"BorrowAndPathResponse">> {
    const { store } = this.#parts.images;
    const { text, names } = lookupOf(imageTextOf(request));
    const owner = ownerOf(request);
    const options = this.#optionsOf(request);
    const fresh = await this.#fresh(text, signal);
    // Read before it is borrowed: whoever is told that it failed has what they had before.
    const answer = await mountable(fresh, signal);
    const image = await store.borrow(text, names, owner, options);
    if (image.id === fresh.id) return answer;
    // The name means another one by now.
    try {
      return await mountable(image, signal);
    } catch (error) {
      // Who gets no path would never give it back.
      await store.return(image.id, [], owner);
      throw error;
    }
  }

  async return(request: AdminMessage<"ReturnRequest">): Promise<AdminMessage<"ReturnResponse">> {
    const { text, names } = lookupOf(imageTextOf(request));
    const returned = await this.#parts.images.store.return(text, names, ownerOf(request));
    const imageIds = returned.map(({ id }) => id);
    return create(adminSchema("ReturnResponse"), { imageIds });
  }

  async listBorrows({
    image: wanted,
    owner,
  }: AdminMessage<"ListBorrowsRequest">): Promise<AdminMessage<"ListBorrowsResponse">> {
    const { reader } = this.#parts.images;
    const { text, names } = lookupOf(wanted);
    const images = wanted === "" ? await reader.list() : [await reader.find(text, names)];
    const borrows = images.flatMap(({ id, borrowers }) =>
      borrowers
        .filter(({ who }) => owner === "" || who === owner)
        .map((borrow) => borrowMessage(id, borrow)),
    );
    return create(adminSchema("ListBorrowsResponse"), { borrows });
  }

  listPulls(): AdminMessage<"ListPullsResponse"> {
    return create(adminSchema("ListPullsResponse"), { pulls: this.#parts.pulls.list() });
  }

  async *watchPulls(
    _request: AdminMessage<"WatchPullsRequest">,
    { signal }: CallContext,
  ): AsyncGenerator<AdminMessage<"WatchPullsResponse">, void> {
    const { pulls, draining } = this.#parts;
    for await (const all of pulls.watch(AbortSignal.any([signal, draining]))) {
      yield create(adminSchema("WatchPullsResponse"), { pulls: all });
    }
  }

  async *watchEvents(
    _request: AdminMessage<"WatchEventsRequest">,
    { signal }: CallContext,
  ): AsyncGenerator<AdminMessage<"WatchEventsResponse">, void> {
    const { images, draining } = this.#parts;
    yield* storeEvents(images.reader, AbortSignal.any([signal, draining]));
  }

  /** A file outside the store may be another image by now. */
  async #fresh(text: string, signal: AbortSignal): Promise<StoredImage> {
    const { store, sources } = this.#parts.images;
    const lookup = lookupOf(text);
    const image = await store.find(lookup.text, lookup.names);
    return await freshImage(store, text, image, sources().context, signal);
  }

  #optionsOf({ expiresAtMs, note }: AdminMessage<"BorrowAndPathRequest">): BorrowOptions {
    const now = this.#parts.images.now();
    const expiresAt = Number(expiresAtMs);
    if (expiresAtMs !== 0n && !(expiresAt > now && Number.isSafeInteger(expiresAt))) {
      throw new ConnectError(
        `expires_at_ms: expected a time to come in milliseconds since 1970, got ${expiresAtMs}`,
        Code.InvalidArgument,
      );
    }
    if (note.length > MOST_NOTE_CHARS || CONTROL.test(note)) {
      throw new ConnectError(
        `note: expected at most ${MOST_NOTE_CHARS} characters, and no control characters`,
        Code.InvalidArgument,
      );
    }
    return {
      ...(expiresAtMs === 0n ? {} : { expiresAt }),
      ...(note === "" ? {} : { note }),
    };
  }
}

async function mountable(
  image: StoredImage,
  signal: AbortSignal,
): Promise<AdminMessage<"BorrowAndPathResponse">> {
  const partition = await partitionOf(image, signal);
  return create(adminSchema("BorrowAndPathResponse"), {
    imageId: image.id,
    path: image.path,
    partitionOffset: BigInt(partition.offset),
    partitionSize: BigInt(partition.size),
    compressor: partition.compressor ?? "",
    architecture: partition.architecture ?? "",
    ociConfig: image.ociConfigJson ?? "",
  });
}

async function partitionOf(
  { id, names, path }: StoredImage,
  signal: AbortSignal,
): ReturnType<typeof rootFileSystem> {
  try {
    return await rootFileSystem(path, signal);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
    throw new ImageError("NOT_FOUND", `${names.tags[0] ?? id}: its file is gone; pull it again`, {
      cause: error,
    });
  }
}

function borrowMessage(
  imageId: string,
  { who, reference = "", takenAt, expiresAt = 0, note = "" }: Borrow,
): AdminMessage<"Borrow"> {
  return create(adminSchema("Borrow"), {
    imageId,
    owner: who,
    reference,
    takenAtMs: BigInt(takenAt),
    expiresAtMs: BigInt(expiresAt),
    note,
  });
}

function ownerOf({ owner }: { readonly owner: string }): string {
  if (owner !== "" && owner.length <= MOST_OWNER_CHARS && !CONTROL.test(owner)) return owner;
  throw new ConnectError(
    `owner: expected who borrows, in 1 to ${MOST_OWNER_CHARS} characters without control characters`,
    Code.InvalidArgument,
  );
}
