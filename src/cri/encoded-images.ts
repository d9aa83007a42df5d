import { toBinary } from "@bufbuild/protobuf";
import type { Store, StoredImage } from "../store/index.ts";
import { encodedField, encodedMessage, runtimeSchema } from "../wire/index.ts";
import { imageMessage } from "./image-message.ts";

type EncodedField = ReturnType<typeof encodedField>;

/** Number of the field `images` of a list. */
const IMAGES_FIELD = 1;
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
  readonly #messages = new Map<string, Uint8Array>();
  /** Those of the map, sorted. */
  #ids: string[] = [];
  /** Where the log of changes ended when all of this was true; undefined: none of it may be. */
  #position: number | undefined;
  /** How often all was forgotten: what was read before does not count after. */
  #forgotten = 0;
  /** Ids whose files have to be looked at again. */
  readonly #doubted = new Set<string>();
  #whole: Uint8Array | undefined;
  #turn: Promise<void> = Promise.resolve();

  /** @param pins - names and patterns that are in force; `forget` when they change */
  constructor(reader: Store, pins: () => readonly string[]) {
    this.#reader = reader;
    this.#pins = pins;
  }

  /** All images as they are now, as an encoded list. */
  async list(): Promise<Uint8Array> {
    await this.#refresh();
    this.#whole ??= encodedMessage(IMAGES_FIELD, this.#sorted());
    return this.#whole;
  }

  /** The same in parts of at most `size` images, each the field `images` of a list. */
  async fields(size: number): Promise<readonly NonNullable<EncodedField>[]> {
    await this.#refresh();
    const messages = this.#sorted();
    return Array.from({ length: Math.ceil(messages.length / size) }, (_, number) => {
      const part = messages.slice(number * size, (number + 1) * size);
      return encodedField(IMAGES_FIELD, part) ?? [];
    });
  }

  /** Encodes everything anew before the next answer. */
  forget(): void {
    this.#position = undefined;
    this.#forgotten += 1;
  }

  /** Whether the last list had the image. */
  isListed(id: string): boolean {
    return this.#messages.has(id);
  }

  /** Looks at the file of an image anew before the next answer. */
  doubt(id: string): void {
    this.#doubted.add(id);
  }

  #sorted(): Uint8Array[] {
    return this.#ids.flatMap((id) => this.#messages.get(id) ?? []);
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
    this.#whole = undefined;
    const doubted = [...this.#doubted];
    this.#doubted.clear();
    if (known === undefined || !isComplete) await this.#readAll();
    else await this.#readSome([...new Set([...changes.map(({ id }) => id), ...doubted])]);
    if (this.#forgotten === forgotten) this.#position = position;
  }

  async #readAll(): Promise<void> {
    this.#messages.clear();
    this.#ids = [];
    for await (const images of this.#reader.listInParts()) await this.#encode(images);
    this.#ids = [...this.#messages.keys()].sort();
  }

  async #readSome(ids: readonly string[]): Promise<void> {
    for (let start = 0; start < ids.length; start += PART) {
      const part = ids.slice(start, start + PART);
      const found = await this.#reader.findSome(part);
      for (const id of part) this.#messages.delete(id);
      await this.#encode(found);
      for (const id of part) this.#place(id);
    }
  }

  async #encode(images: readonly StoredImage[]): Promise<void> {
    const facts = await this.#reader.fileFacts(images.map(({ path }) => path));
    const pins = this.#pins();
    for (const [index, image] of images.entries()) {
      const message = imageMessage(image, facts[index], pins);
      if (message !== undefined) {
        this.#messages.set(image.id, toBinary(runtimeSchema("Image"), message));
      }
    }
  }

  /** Puts an id where it belongs, or takes it away where there is no message of it. */
  #place(id: string): void {
    let low = 0;
    let high = this.#ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ids[middle] ?? "") < id) low = middle + 1;
      else high = middle;
    }
    const isListed = this.#ids[low] === id;
    const isThere = this.#messages.has(id);
    if (isListed !== isThere) this.#ids.splice(low, isListed ? 1 : 0, ...(isThere ? [id] : []));
  }
}
