import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues, type ServiceImpl } from "@connectrpc/connect";
import { ImageError, redactName } from "../image/index.ts";
import type { StoredImage } from "../store/index.ts";
import {
  MAX_MESSAGE_BYTES,
  runtimeSchema,
  type ImageService,
  type RuntimeMessage,
} from "../wire/index.ts";
import { ENCODED_ANSWER } from "./encoded-answer.ts";
import type { EncodedImages } from "./encoded-images.ts";
import type { FileSystemUsage } from "./file-system-usage.ts";
import { imageInfo } from "./image-info.ts";
import { findImage, imageTextOf } from "./image-lookup.ts";
import { imageMessage } from "./image-message.ts";
import type { NodeImages } from "./node-images.ts";
import { callOf } from "./observe-calls.ts";
import type { Observer } from "./observer.ts";
import { pullRequested } from "./pull-request.ts";

/** Images in one message of a stream: some hundred KiB, far from what clients take. */
const STREAMED_IMAGES = 1000;

/** What the image service is made of. */
export interface ImageServiceParts {
  readonly images: NodeImages;
  readonly encoded: Pick<EncodedImages, "list" | "fields" | "isListed" | "doubt">;
  readonly usage: FileSystemUsage;
  readonly observer: Observer;
  /** Aborted when the daemon ends what has not ended by itself. */
  readonly stopping: AbortSignal;
}

/** What a handler is told besides the request. */
interface CallContext {
  readonly signal: AbortSignal;
  readonly values: ContextValues;
}

type Filter = RuntimeMessage<"ImageFilter"> | undefined;

/**
 * Kubernetes' image service over a store.
 *
 * @see cri.md §1.2, and §3.1, column "ours"
 */
export class CriImageService implements ServiceImpl<typeof ImageService> {
  readonly #parts: ImageServiceParts;

  constructor(parts: ImageServiceParts) {
    this.#parts = parts;
  }

  async listImages(
    request: RuntimeMessage<"ListImagesRequest">,
    { values }: CallContext,
  ): Promise<RuntimeMessage<"ListImagesResponse">> {
    const response = create(runtimeSchema("ListImagesResponse"));
    if (isWanted(request.filter)) {
      response.images = await this.#filtered(request.filter);
      return response;
    }
    const list = await this.#parts.encoded.list();
    if (list.length > MAX_MESSAGE_BYTES) {
      throw new ConnectError(
        `a list of ${list.length} bytes: expected at most ${MAX_MESSAGE_BYTES}; StreamImages has no such limit`,
        Code.ResourceExhausted,
      );
    }
    values.set(ENCODED_ANSWER, list);
    return response;
  }

  async *streamImages(
    request: RuntimeMessage<"StreamImagesRequest">,
  ): AsyncGenerator<RuntimeMessage<"StreamImagesResponse">, void> {
    const schema = runtimeSchema("StreamImagesResponse");
    if (isWanted(request.filter)) {
      const images = await this.#filtered(request.filter);
      if (images.length > 0) yield create(schema, { images });
      return;
    }
    for (const field of await this.#parts.encoded.fields(STREAMED_IMAGES)) {
      const response = create(schema);
      response.$unknown = field;
      yield response;
    }
  }

  async imageStatus(
    request: RuntimeMessage<"ImageStatusRequest">,
    { signal, values }: CallContext,
  ): Promise<RuntimeMessage<"ImageStatusResponse">> {
    const response = create(runtimeSchema("ImageStatusResponse"));
    const { notes } = callOf(values);
    const name = imageTextOf(request.image);
    notes.image = redactName(name);
    const found = await this.#find(name);
    if (found === undefined) return response;
    notes.imageId = found.image.id;
    response.image = found.message;
    if (request.verbose) response.info = { info: await imageInfo(found.image, signal) };
    else this.#use(found.image.id);
    return response;
  }

  async pullImage(
    request: RuntimeMessage<"PullImageRequest">,
    { signal, values }: CallContext,
  ): Promise<RuntimeMessage<"PullImageResponse">> {
    const { images, observer, usage, stopping } = this.#parts;
    const either = AbortSignal.any([signal, stopping]);
    const imageRef = await pullRequested(
      request,
      { images, observer, call: callOf(values) },
      either,
    );
    usage.changed();
    return create(runtimeSchema("PullImageResponse"), { imageRef });
  }

  async removeImage(
    request: RuntimeMessage<"RemoveImageRequest">,
    { signal, values }: CallContext,
  ): Promise<RuntimeMessage<"RemoveImageResponse">> {
    const { images, usage } = this.#parts;
    const response = create(runtimeSchema("RemoveImageResponse"));
    const { notes } = callOf(values);
    const name = imageTextOf(request.image);
    notes.image = redactName(name);
    const found = await findImage(images.reader, name);
    if (found === undefined) return response;
    notes.imageId = found.image.id;
    try {
      const { origin } = await images.store.remove(found.image.id, signal);
      if (origin !== "local") usage.freed(found.facts?.allocated ?? 0);
    } catch (error) {
      // Somebody else removed it meanwhile: gone is gone.
      if (!(error instanceof ImageError) || error.code !== "NOT_FOUND") throw error;
    }
    return response;
  }

  imageFsInfo(): RuntimeMessage<"ImageFsInfoResponse"> {
    const { usage } = this.#parts;
    const { at, bytes, inodes } = usage.get();
    return create(runtimeSchema("ImageFsInfoResponse"), {
      imageFilesystems: [
        {
          timestamp: BigInt(at) * 1_000_000n,
          fsId: { mountpoint: usage.directory },
          usedBytes: { value: BigInt(bytes) },
          inodesUsed: { value: BigInt(inodes) },
        },
      ],
    });
  }

  /** Not waited for: a write may take long, and nobody misses a use time. */
  #use(id: string): void {
    this.#parts.images.store.touch(id).catch(() => undefined);
  }

  async #find(
    text: string,
  ): Promise<
    { readonly image: StoredImage; readonly message: RuntimeMessage<"Image"> } | undefined
  > {
    const { images, encoded } = this.#parts;
    const found = await findImage(images.reader, text);
    if (found === undefined) return undefined;
    const message = imageMessage(found.image, found.facts, images.sources().pins);
    // Its file went, or came back, and nothing in the store says so: lists have to agree.
    const isThere = message !== undefined;
    if (encoded.isListed(found.image.id) !== isThere) encoded.doubt(found.image.id);
    return message && { image: found.image, message };
  }

  async #filtered(filter: Filter): Promise<RuntimeMessage<"Image">[]> {
    const found = await this.#find(imageTextOf(filter?.image));
    return found === undefined ? [] : [found.message];
  }
}

/** Whether a filter names an image: an empty text stands for all of them. */
function isWanted(filter: Filter): boolean {
  return (filter?.image?.image ?? "") !== "";
}
