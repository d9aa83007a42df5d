import { mkdtempDisposable, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { DEFAULT_LIMITS, type Limits } from "../base/index.ts";
import {
  formatImageName,
  parseArchiveInput,
  parseManifestDocument,
  verified,
  type Descriptor,
  type ImageSource,
} from "../image/index.ts";
import { openArchive } from "./open-archive.ts";

export const never: AbortSignal = new AbortController().signal;

export interface OpenSettings {
  readonly limits?: Partial<Limits>;
  readonly standardInput?: () => AsyncIterable<Uint8Array>;
  /** Runs when the image was chosen, before anything of it is read. */
  readonly meanwhile?: () => Promise<void>;
}

/** What an archive delivered, every byte of it checked. */
export interface Delivered {
  readonly root: Descriptor;
  readonly names: readonly string[];
  readonly config: Uint8Array;
  readonly layers: readonly { readonly mediaType: string; readonly bytes: Uint8Array }[];
  readonly warnings: readonly string[];
}

/** Opens an archive as a pull does, and reads the image in it: its only manifest, all its blobs. */
export async function deliver(text: string, settings: OpenSettings = {}): Promise<Delivered> {
  const limits = { ...DEFAULT_LIMITS, ...settings.limits };
  const warnings: string[] = [];
  const options = {
    limits,
    warn: (message: string) => warnings.push(message),
    async openSpool() {
      const path = join(tmpdir(), `siflet-spool-${process.pid}-${Math.random()}`);
      const file = await open(path, "wx+");
      await rm(path);
      return file;
    },
    standardInput: settings.standardInput,
  };
  await using archive = await openArchive(parseArchiveInput(text), options, never);
  await settings.meanwhile?.();
  const { source, names } = archive;
  const root = await source.resolve(never);
  const { bytes, mediaType } = await source.fetchDocument(root, never);
  const document = parseManifestDocument(bytes, mediaType, "test", limits);
  if (document.kind !== "manifest") throw new Error("expected a manifest");
  const layers: { mediaType: string; bytes: Uint8Array }[] = [];
  for (const layer of document.layers) {
    layers.push({ mediaType: layer.mediaType, bytes: await read(source, layer) });
  }
  const config = await read(source, document.config);
  return { root, names: names.map(formatImageName), config, layers, warnings };
}

/** The checked bytes of a blob, in two parts as after a break. */
async function read(source: ImageSource, descriptor: Descriptor): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const whole = verified(source.fetch(descriptor, never), descriptor, "blob");
  for await (const chunk of whole) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const from = Math.floor(descriptor.size / 2);
  const rest: Uint8Array[] = [];
  for await (const chunk of source.fetch(descriptor, never, from)) rest.push(chunk);
  if (!Buffer.concat(rest).equals(bytes.subarray(from))) throw new Error("another second half");
  return bytes;
}

/** A directory that is removed after the test. */
export async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-archive-"));
  t.after(() => directory.remove());
  return directory.path;
}
