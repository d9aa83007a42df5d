import { join } from "node:path";
import { copyContents, hashFile } from "../base/index.ts";
import type { ProfileWish } from "../image/index.ts";
import {
  StoreError,
  type ManifestKey,
  type ManifestRecord,
  type Names,
  type Store,
  type StoredImage,
} from "../store/index.ts";
import { chooseStoredImage } from "./choose-stored-image.ts";
import { isSystemError } from "./pull-error.ts";
import type { OnPullEvent } from "./pull-events.ts";

/** What is looked for in other stores, and how it is recorded in ours. */
export interface OtherStoreSearch {
  readonly store: Store;
  readonly others: readonly Store[];
  readonly reference: string;
  readonly names: Names;
  readonly wish: ProfileWish;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly onEvent: OnPullEvent;
}

/**
 * The content that one of the other stores knows a manifest of this repository to hold; the caller has
 * just been answered for that manifest there.
 */
export async function contentInOthers(
  { others, onEvent }: OtherStoreSearch,
  key: ManifestKey,
): Promise<string | undefined> {
  for (const other of others) {
    const content = await ask(other, onEvent, async () => await other.manifestContent(key));
    if (content !== undefined) return content;
  }
  return undefined;
}

/**
 * Copies an image of that content, as the wish has it, out of the first other store that holds one.
 * Whoever may read the file there needs no other permission. The copy is hashed before it is an image;
 * what cannot be used is told, and is nobody's failure: the image is pulled.
 *
 * @throws StoreError of our own store; the signal's reason
 */
export async function takeFromOthers(
  search: OtherStoreSearch,
  contentKey: string,
  manifest: ManifestRecord | undefined,
  signal: AbortSignal,
): Promise<StoredImage | undefined> {
  const { others, wish, names, onEvent } = search;
  for (const other of others) {
    const images = await ask(other, onEvent, async () => await other.findByContent(contentKey));
    const image = chooseStoredImage(images ?? [], wish, names);
    if (image === undefined) continue;
    const taken = await copyImage(search, image, manifest, signal);
    if (taken !== undefined) return taken;
  }
  return undefined;
}

async function copyImage(
  { store, reference, names, now, onEvent }: OtherStoreSearch,
  image: StoredImage,
  manifest: ManifestRecord | undefined,
  signal: AbortSignal,
): Promise<StoredImage | undefined> {
  await using staging = await store.stage();
  const file = join(staging.path, "taken.sif");
  try {
    await copyContents(image.path, file, 0o600, signal);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    warn(onEvent, `${image.path} cannot be copied: ${error.message}`);
    return undefined;
  }
  const id = await hashFile(file, signal);
  if (id !== image.id) {
    warn(onEvent, `${image.path} is damaged: expected sha256 ${image.id}, got ${id}`);
    return undefined;
  }
  onEvent({ kind: "present", id });
  const { size, contentKey, profile, platform, ociConfigJson } = image;
  return await store.publish(
    {
      file,
      id,
      size,
      names,
      origin: image.origin,
      ...(contentKey === undefined ? {} : { contentKey }),
      ...(profile === undefined ? {} : { profile }),
      platform,
      ...(ociConfigJson === undefined ? {} : { ociConfigJson }),
      source: { ...image.source, reference },
      createdAt: now,
      ...(manifest === undefined ? {} : { manifest }),
    },
    signal,
  );
}

/** What another store answers; undefined where it cannot, which is told. */
async function ask<Answer>(
  other: Store,
  onEvent: OnPullEvent,
  question: () => Promise<Answer>,
): Promise<Answer | undefined> {
  try {
    return await question();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    warn(onEvent, `store ${other.directory} cannot be asked: ${error.message}`);
    return undefined;
  }
}

function warn(onEvent: OnPullEvent, message: string): void {
  onEvent({ kind: "warning", message });
}
