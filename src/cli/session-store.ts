import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { CodedError } from "../base/index.ts";
import { ImageError, storeNamesOf } from "../image/index.ts";
import type { Config } from "../config/index.ts";
import type { LocalFiles } from "../pull/index.ts";
import type { Store, StoredImage } from "../store/index.ts";
import type { HostsSettings } from "./environment.ts";
import { counted } from "./format.ts";
import { printable } from "./printable.ts";
import type { Session } from "./session.ts";
import { trustGate } from "./trust-of.ts";

/** Opens the session's store to be changed, making it where there is none. */
export async function openStoreToWrite(session: Session): Promise<Store> {
  const { environment, signal } = session;
  const directory = await session.storeDirectory();
  await using opening = new AsyncDisposableStack();
  const store = opening.use(await environment.openStore(directory, { readOnly: false }));
  if (store.wasMade && store.traits.claims === "lock-file") {
    session.warn(
      `store ${directory} is on a file system that other machines may use too: it is kept with a ` +
        "rollback journal and lock files, and is safe where that file system's locks work",
    );
  }
  if (store.wasRebuilt) {
    // Loaded here: it is needed once in the life of a store.
    const { recoverStore } = await import("../upkeep/index.ts");
    const trust = trustGate(await session.config(), session);
    const check = await recoverStore(store, { now: environment.now(), trust }, signal);
    const images = (await store.list()).length;
    const nameless = check?.faults.filter(({ kind }) => kind === "unowned-file").length ?? 0;
    session.warn(
      `store ${directory}: the database was lost or damaged and has been made again: ` +
        `${counted(images, "image")}, ${nameless} of them without a name`,
    );
  }
  opening.move();
  return store;
}

/** Opens the session's store to be changed; undefined where there is none. */
export async function openStoreToChange(session: Session): Promise<Store | undefined> {
  return (await isStoreThere(session)) ? await openStoreToWrite(session) : undefined;
}

/**
 * Opens the session's store to look into one of its images. A file outside the store may have changed,
 * which is recorded: for such a name the store is opened to be used.
 */
export async function openStoreToLookInto(
  text: string,
  session: Session,
): Promise<Store | undefined> {
  const { isLocalName } = await loadPullFolder();
  return isLocalName(text) ? await openStoreToUse(session) : await openStoreToRead(session);
}

/**
 * Opens the session's store to be looked into; undefined where there is none. One whose database is
 * lost or damaged is made again, where we may do that.
 */
export async function openStoreToRead(session: Session): Promise<Store | undefined> {
  if (!(await isStoreThere(session))) return undefined;
  const directory = await session.storeDirectory();
  try {
    return await session.environment.openStore(directory, { readOnly: true });
  } catch (error) {
    if (!(await isDatabaseLost(directory, error))) throw error;
    try {
      return await openStoreToWrite(session);
    } catch {
      throw error;
    }
  }
}

/** Whether a store is there but for its database: no other directory is to become one by a look. */
async function isDatabaseLost(directory: string, error: unknown): Promise<boolean> {
  if (!(error instanceof CodedError)) return false;
  if (error.code === "STORE_DAMAGED") return true;
  const names: readonly string[] = await readdir(directory).catch(() => []);
  return names.includes("siflet.db.backup") && !names.includes("siflet.db");
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
  return { store, image: await withShownCandidates(store.find(text, storeNamesOf(text))) };
}

/**
 * As `findImage`, for using the image's file: a file outside the store is looked at again.
 *
 * @throws also ImageError `NOT_FOUND` where that file changed or is gone, PullError
 *   `LOCAL_FILE_REFUSED`, `LOCAL_FILE_UNREADABLE`
 */
export async function findImageToUse(
  opened: Store | undefined,
  text: string,
  session: Session,
): Promise<FoundImage> {
  const { store, image } = await findImage(opened, text, session);
  const config = await session.config();
  const context = {
    localFiles: localFilesIn(config),
    trust: trustGate(config, session),
    now: session.environment.now,
  };
  const { freshImage } = await loadPullFolder();
  return { store, image: await freshImage(store, text, image, context, session.signal) };
}

/** When it is needed: what lists images, names them or removes them does without. */
async function loadPullFolder(): Promise<typeof import("../pull/index.ts")> {
  return await import("../pull/index.ts");
}

/** Which files of this host may be named. */
export function localFilesIn({ values }: Config): LocalFiles {
  return { directories: values["local.directories"], aliases: values["local.aliases"] };
}

/** The answer to a look-up, or its error with the images that an ambiguous id may mean. */
export async function withShownCandidates<Result>(lookup: Promise<Result>): Promise<Result> {
  try {
    return await lookup;
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
    const names = await readdir(directory);
    // Directories without a database: one that died while it made the store left them.
    const isBegun = names.every((name) => STORE_DIRECTORIES.includes(name));
    return !isBegun || (names.includes("images") && !(await isEmpty(join(directory, "images"))));
  } catch (error) {
    // Whatever else is wrong, opening it will say so.
    return !(error instanceof Error && "code" in error && error.code === "ENOENT");
  }
}

/** What the configuration says of where the hosts of registries are named. */
export function hostsIn({ values }: Config): HostsSettings {
  return {
    directories: values["registries.directories"],
    obeyBlocked: values["registries.obeyBlocked"],
  };
}

/** What is made of a store before its database. */
const STORE_DIRECTORIES = ["images", "tmp", "locks"];

async function isEmpty(directory: string): Promise<boolean> {
  return (await readdir(directory)).length === 0;
}
