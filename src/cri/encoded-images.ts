import { toBinary } from "@bufbuild/protobuf";
import type { Store, StoredImage } from "../store/index.ts";
import { runtimeSchema } from "../wire/index.ts";
import { EncodedList } from "./encoded-list.ts";
import { imageMessage } from "./image-message.ts";

/** Images that are looked up at a time. */
const PART = 64;

/**
 * Every image of a store as an encoded message, in order of ids. Before each answer the store is asked what
 * any process has changed since the last one, which costs next to nothing; only that is encoded anew.
 * To encode 10,000 images for each list would hold up all other calls. A file that somebody else takes
 * away is noticed when its image is asked for alone (`doubt`), changes, or is checked.
 */
export class EncodedImages {
  readonly #reader: Store;
  readonly #pins: () => readonly string[];
  #list = EncodedList.EMPTY;
  /** Where the log of changes ended when all of this was true; undefined: none of it may be. */
  #position: number | undefined;
  /** How often all was forgotten: what was read before does not count after. */
  #forgotten = 0;
  /** Ids whose files have to be looked at again. */
  readonly #doubted = new Set<string>();
  #turn: Promise<void> = Promise.resolve();

  /** @param pins - names and patterns that are in force; `forget` when they change */
  constructor(reader: Store, pins: () => readonly string[]) {
    this.#reader = reader;
    this.#pins = pins;
  }

  /** All images as they are now, as an encoded list. */
  async list(): Promise<Uint8Array> {
    await this.#refresh();
    return this.#list.bytes;
  }

  /** The same in parts of at most `size` images, each the field `images` of a list. */
  async fields(size: number): Promise<ReturnType<EncodedList["fields"]>> {
    await this.#refresh();
    return this.#list.fields(size);
  }

  /** Encodes everything anew before the next answer. */
  forget(): void {
    this.#position = undefined;
    this.#forgotten += 1;
  }

  /** Whether the last list had the image. */
  isListed(id: string): boolean {
    return this.#list.has(id);
  }

  /** Looks at the file of an image anew before the next answer. */
  doubt(id: string): void {
    this.#doubted.add(id);
  }

  /** One at a time, and each after it was asked for: what was removed before a call is never in its answer. */
  async #refresh(): Promise<void> {
    const refreshed = this.#turn.then(async () => {
      await this.#followChanges();
    });
    this.#turn = refreshed.catch(() => undefined);
    await refreshed;
  }

  async #followChanges(): Promise<void> {
    const known = this.#position;
    const forgotten = this.#forgotten;
    const { position, isComplete, changes } = await this.#reader.changesSince(known);
    if (known === position && this.#doubted.size === 0) return;
    const doubted = [...this.#doubted];
    this.#doubted.clear();
    try {
      if (known === undefined || !isComplete) await this.#readAll();
      else await this.#readSome([...new Set([...changes.map(({ id }) => id), ...doubted])]);
    } catch (error) {
      for (const id of doubted) this.#doubted.add(id);
      throw error;
    }
    if (this.#forgotten === forgotten) this.#position = position;
  }

  async #readAll(): Promise<void> {
    const all = new Map<string, Uint8Array>();
    for await (const images of this.#reader.listInParts()) {
      for (const [id, message] of await this.#encode(images)) all.set(id, message);
    }
    this.#list = EncodedList.EMPTY.with(all);
  }

  async #readSome(ids: readonly string[]): Promise<void> {
    const changes = new Map<string, Uint8Array | undefined>();
    for (let start = 0; start < ids.length; start += PART) {
      const part = ids.slice(start, start + PART);
      const encoded = await this.#encode(await this.#reader.findSome(part));
      for (const id of part) changes.set(id, encoded.get(id));
    }
    this.#list = this.#list.with(changes);
  }

  /** By their ids; those that cannot be told of are left out. */
  async #encode(images: readonly StoredImage[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const facts = await this.#reader.fileFacts(images.map(({ path }) => path));
    const pins = this.#pins();
    const encoded = new Map<string, Uint8Array>();
    for (const [index, image] of images.entries()) {
      const message = imageMessage(image, facts[index], pins);
      if (message !== undefined) {
        encoded.set(image.id, toBinary(runtimeSchema("Image"), message));
      }
    }
    return encoded;
  }
}
