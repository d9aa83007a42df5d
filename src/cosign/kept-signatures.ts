import {
  type Descriptor,
  type Digest,
  type Document,
  ImageError,
  isRecord,
  parseDescriptor,
  parseDigest,
  parseStrictJson,
  type SignatureRepository,
  type SignedImage,
} from "../image/index.ts";

/** What a registry answered about the signatures of an image. */
interface Answers {
  readonly tagged: Map<string, Document | undefined>;
  readonly referrers: Map<string, readonly Descriptor[]>;
  readonly documents: Map<string, Document>;
  readonly blobs: Map<string, Uint8Array>;
}

/** Asks a repository, and keeps its answers. */
export class KeepingRepository implements SignatureRepository {
  readonly #repository: SignatureRepository;
  readonly #answers: Answers = noAnswers();

  constructor(repository: SignatureRepository) {
    this.#repository = repository;
  }

  async tagged(tag: string, signal: AbortSignal): Promise<Document | undefined> {
    const document = await this.#repository.tagged(tag, signal);
    this.#answers.tagged.set(tag, document);
    return document;
  }

  async referrers(
    digest: Digest,
    artifactType: string,
    signal: AbortSignal,
  ): Promise<readonly Descriptor[]> {
    const referrers = await this.#repository.referrers(digest, artifactType, signal);
    this.#answers.referrers.set(`${digest} ${artifactType}`, referrers);
    return referrers;
  }

  async fetchDocument(descriptor: Descriptor, signal: AbortSignal): Promise<Document> {
    const document = await this.#repository.fetchDocument(descriptor, signal);
    this.#answers.documents.set(descriptor.digest, document);
    return document;
  }

  async *fetch(descriptor: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#repository.fetch(descriptor, signal)) {
      // A copy, for it outlasts the next one.
      chunks.push(new Uint8Array(chunk));
      yield chunk;
    }
    this.#answers.blobs.set(descriptor.digest, Buffer.concat(chunks));
  }

  /** The answers as text. */
  toText(): string {
    const { tagged, referrers, documents, blobs } = this.#answers;
    return JSON.stringify({
      tagged: mapped(tagged, (document) => document && documentJson(document)),
      referrers: Object.fromEntries(referrers),
      documents: mapped(documents, documentJson),
      blobs: mapped(blobs, base64),
    });
  }
}

/**
 * The image whose signatures a `KeepingRepository` kept. What was not asked then is not there; bytes are
 * checked anew against their digests by whoever reads them.
 *
 * @param text - of `keptText`
 * @returns undefined where it is not such a text: the image has to be pulled again
 */
function keptSignatures(text: string): SignedImage | undefined {
  try {
    return parseKept(parseStrictJson(Buffer.from(text), "kept signatures"));
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

/**
 * As what a policy judges an image again: for each of its names the signatures that were kept; undefined for
 * a name of which none were.
 *
 * @param kept - by name, of `keptText`
 */
export function keptBeside(
  kept: ReadonlyMap<string, string>,
): (name: string) => SignedImage | undefined {
  // Names mostly have one text: it is judged once.
  const byText = new Map<string, SignedImage | undefined>();
  return (name) => {
    const text = kept.get(name);
    if (text === undefined) return undefined;
    if (!byText.has(text)) byText.set(text, keptSignatures(text));
    return byText.get(text);
  };
}

/** What is kept of an image and of the answers about it, as text. */
export function keptText({ digests }: SignedImage, repository: KeepingRepository): string {
  return `{"digests":${JSON.stringify(digests)},"answers":${repository.toText()}}`;
}

function parseKept(value: unknown): SignedImage {
  const { digests, answers } = recordOf(value);
  const { index, manifest } = recordOf(digests);
  const found = noAnswers();
  const { tagged, referrers, documents, blobs } = recordOf(answers);
  for (const [tag, document] of entriesOf(tagged)) found.tagged.set(tag, documentOf(document));
  for (const [key, list] of entriesOf(referrers)) {
    const descriptors = Array.isArray(list) ? list : [];
    found.referrers.set(
      key,
      descriptors.map((one: unknown) => parseDescriptor(one, "kept signatures")),
    );
  }
  for (const [digest, document] of entriesOf(documents)) {
    found.documents.set(digest, documentOf(document));
  }
  for (const [digest, bytes] of entriesOf(blobs)) found.blobs.set(digest, bytesOf(bytes));
  return {
    digests: {
      ...(index === undefined ? {} : { index: parseDigest(textOf(index)) }),
      manifest: parseDigest(textOf(manifest)),
    },
    repository: repositoryOf(found),
  };
}

function repositoryOf({ tagged, referrers, documents, blobs }: Answers): SignatureRepository {
  return {
    tagged: (tag) => Promise.resolve(tagged.get(tag)),
    referrers: (digest, artifactType) =>
      Promise.resolve(referrers.get(`${digest} ${artifactType}`) ?? []),
    async fetchDocument({ digest }) {
      const document = documents.get(digest);
      if (document !== undefined) return await Promise.resolve(document);
      throw notKept(digest);
    },
    async *fetch({ digest }) {
      const bytes = blobs.get(digest);
      if (bytes === undefined) throw notKept(digest);
      yield await Promise.resolve(bytes);
    },
  };
}

function notKept(digest: Digest): ImageError {
  return new ImageError("NOT_FOUND", `${digest}: it was not kept with the image`);
}

function noAnswers(): Answers {
  return { tagged: new Map(), referrers: new Map(), documents: new Map(), blobs: new Map() };
}

function mapped<Value>(
  map: ReadonlyMap<string, Value>,
  toJson: (value: Value) => unknown,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...map].map(([key, value]) => [key, toJson(value)]));
}

function documentJson({ bytes, mediaType }: Document): unknown {
  return { mediaType, bytes: base64(bytes) };
}

function documentOf(value: unknown): Document {
  const { bytes, mediaType } = recordOf(value);
  return { bytes: bytesOf(bytes), mediaType: textOf(mediaType) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(textOf(value), "base64");
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw notOurs();
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw notOurs();
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return Object.entries(recordOf(value));
}

function notOurs(): ImageError {
  return new ImageError("JSON_INVALID", "kept signatures: expected what siflet keeps");
}
