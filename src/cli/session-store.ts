import { readdir } from "node:fs/promises";
import { CodedError } from "../base/index.ts";
import { ImageError } from "../image/index.ts";
import { storeNamesOf } from "../pull/index.ts";
import type { Store, StoredImage } from "../store/index.ts";
import { printable } from "./printable.ts";
import type { Session } from "./session.ts";

/** Opens the session's store to be changed, making it where there is none. */
export async function openStoreToWrite(session: Session): Promise<Store> {
  return await session.environment.openStore(await session.storeDirectory(), { readOnly: false });
}

/** Opens the session's store to be changed; undefined where there is none. */
export async function openStoreToChange(session: Session): Promise<Store | undefined> {
  return (await isStoreThere(session)) ? await openStoreToWrite(session) : undefined;
}

/** Opens the session's store to be looked into; undefined where there is none. */
export async function openStoreToRead(session: Session): Promise<Store | undefined> {
  if (!(await isStoreThere(session))) return undefined;
  return await session.environment.openStore(await session.storeDirectory(), { readOnly: true });
}

/**
 * Opens the session's store to use one of its images: so that the use is recorded where we may
 * write, and to be read where we may not. Undefined where there is no store.
 */
export async function openStoreToUse(session: Session): Promise<Store | undefined> {
  try {
    return await openStoreToChange(session);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== "STORE_READ_ONLY") throw error;
    return await openStoreToRead(session);
  }
}

/** An image, and the store that holds it. */
export interface FoundImage {
  readonly store: Store;
  readonly image: StoredImage;
}

/**
 * The image that `text` means.
 *
 * @throws ImageError `NOT_FOUND`; its message names the candidates of an ambiguous id
 */
export async function findImage(
  opened: Store | undefined,
  text: string,
  session: Session,
): Promise<FoundImage> {
  const store = await requireStore(opened, text, session);
  try {
    return { store, image: await store.find(text, storeNamesOf(text)) };
  } catch (error) {
    throw error instanceof ImageError ? withCandidates(error) : error;
  }
}

/** @throws ImageError `NOT_FOUND` for the image that `text` means, where there is no store */
export async function requireStore(
  store: Store | undefined,
  text: string,
  session: Session,
): Promise<Store> {
  if (store !== undefined) return store;
  throw new ImageError(
    "NOT_FOUND",
    `${text}: no such image, for there is no store in ${await session.storeDirectory()}`,
  );
}

const MOST_SHOWN = 5;
/** Enough of an id to choose another prefix by. */
const SHOWN_ID = 16;

function withCandidates(error: ImageError): ImageError {
  const { candidates, code, message } = error;
  if (candidates.length === 0) return error;
  const shown = candidates.slice(0, MOST_SHOWN).map((id) => printable(id).slice(0, SHOWN_ID));
  const more = candidates.length > MOST_SHOWN ? ", …" : "";
  return new ImageError(code, `${message} (${shown.join(", ")}${more})`, {
    cause: error,
    candidates,
  });
}

async function isStoreThere(session: Session): Promise<boolean> {
  const directory = await session.storeDirectory();
  try {
    // An empty directory is the place of a store that is still to be made.
    return (await readdir(directory)).length > 0;
  } catch (error) {
    // Whatever else is wrong, opening it will say so.
    return !(error instanceof Error && "code" in error && error.code === "ENOENT");
  }
}
