import { resolve } from "node:path";
import {
  deleteBundle,
  makeBundle,
  parseBind,
  systemMachine,
  type BundleWish,
  type Lender,
  type MadeBundle,
  type MountKind,
  type Network,
} from "../bundle/index.ts";
import { hostPlatform, ImageError } from "../image/index.ts";
import { ociConfigOf, type Store } from "../store/index.ts";
import { usageError } from "./cli-error.ts";
import { shortId } from "./format.ts";
import { jsonText } from "./json-text.ts";
import { printable } from "./printable.ts";
import { findImageToUse, openStoreToChange } from "./session-store.ts";
import type { Session } from "./session.ts";

export interface BundleFlags {
  readonly delete?: string;
  readonly mount?: MountKind;
  readonly writable?: boolean;
  readonly entrypoint?: string;
  readonly env?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly hostname?: string;
  readonly bind?: readonly string[];
  readonly network: Network;
  readonly tty?: boolean;
  readonly anyArchitecture?: boolean;
  readonly json?: boolean;
}

export interface BundleWords {
  readonly image: string | undefined;
  readonly directory: string | undefined;
  readonly args: readonly string[];
}

type Machine = ReturnType<typeof systemMachine>;

/** `siflet bundle`: makes an OCI runtime bundle, or deletes one. */
export async function bundleCommand(
  words: BundleWords,
  flags: BundleFlags,
  session: Session,
): Promise<void> {
  const { image, directory, args } = words;
  if (flags.delete !== undefined) {
    requireDeleteAlone(words, flags);
    await deleteNamed(flags.delete, flags.json === true, session);
    return;
  }
  if (image === undefined || directory === undefined || directory === "") {
    throw usageError("bundle: expected REF and DIR, or --delete DIR");
  }
  const wish = wishOf(args, flags, session);
  const path = resolve(session.environment.workingDirectory, directory);
  const made = await makeNamed(image, path, wish, session);
  for (const warning of made.warnings) session.warn(`${path}: ${warning}`);
  await session.print(
    flags.json === true ? `${jsonText(madeJson(made))}\n` : madeText(image, made),
  );
}

/** What tells how a bundle is made means nothing where one is deleted. */
function requireDeleteAlone({ image }: BundleWords, flags: BundleFlags): void {
  if (flags.delete === "") throw usageError("bundle: --delete: expected a directory");
  const known = ["delete", "json", "network"];
  const hasOthers = Object.keys(flags).some((name) => !known.includes(name));
  if (image === undefined && flags.network === "none" && !hasOthers) return;
  throw usageError("bundle: --delete DIR goes with --json alone");
}

type Made = MadeBundle & { readonly id: string };

async function makeNamed(
  text: string,
  directory: string,
  wish: BundleWish,
  session: Session,
): Promise<Made> {
  const { limits } = (await session.config()).values;
  const machine = await machineOf(session);
  await using opened = await openStoreToChange(session);
  const { store, image } = await findImageToUse(opened, text, session);
  const { id, path, platform } = image;
  const config = ociConfigOf(image);
  const made = await makeBundle(
    {
      image: { id, path, platform, ...(config === undefined ? {} : { config }) },
      directory,
      wish,
      limits,
    },
    lenderOf(store),
    machine,
    session.signal,
  );
  return { ...made, id };
}

function lenderOf(store: Store): Lender {
  return {
    store: store.directory,
    async borrow(image, borrower) {
      await store.borrow(image, [], borrower, { note: "siflet bundle" });
    },
    async giveBack(image, borrower) {
      await giveBack(store, image, borrower);
    },
  };
}

/** An image that is not there any more is nobody's. */
async function giveBack(store: Store, image: string, borrower: string): Promise<void> {
  try {
    await store.return(image, [], borrower);
  } catch (error) {
    if (!(error instanceof ImageError) || error.code !== "NOT_FOUND") throw error;
  }
}

async function deleteNamed(text: string, isJson: boolean, session: Session): Promise<void> {
  const path = resolve(session.environment.workingDirectory, text);
  const result = await deleteBundle(
    path,
    async ({ store, image, borrower }) => {
      // The one that the bundle was made from, whichever is in force now.
      session.useFlags({ ...session.flags, store });
      await using opened = await openStoreToChange(session);
      if (opened === undefined) session.warn(`store ${store} is not there any more`);
      else await giveBack(opened, image, borrower);
    },
    await machineOf(session),
    session.signal,
  );
  if (result.kind === "absent") {
    await returnAll(result.borrower, session);
    session.warn(`${result.directory}: there is no bundle`);
  }
  const deleted = result.kind === "deleted";
  const id = deleted ? result.image : null;
  if (isJson) await session.print(`${jsonText({ bundle: result.directory, deleted, id })}\n`);
  else if (deleted) await session.print(`deleted ${printable(result.directory)}\n`);
}

/** What a bundle borrowed whose directory somebody else has removed. */
async function returnAll(borrower: string, session: Session): Promise<void> {
  await using store = await openStoreToChange(session);
  if (store === undefined) return;
  for await (const images of store.listInParts()) {
    for (const { id, borrowers } of images) {
      if (borrowers.some(({ who }) => who === borrower)) await giveBack(store, id, borrower);
    }
  }
}

async function machineOf({ environment }: Session): Promise<Machine> {
  const { groupId, userName } = environment;
  const host = await environment.openHost();
  return systemMachine(host, { groupId, ...(userName === undefined ? {} : { userName }) });
}

const HOSTNAME = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/;

function wishOf(args: readonly string[], flags: BundleFlags, session: Session): BundleWish {
  const { environment } = session;
  const { mount, entrypoint, workdir, user, hostname } = flags;
  if (hostname !== undefined && !HOSTNAME.test(hostname)) {
    throw usageError(
      `bundle: --hostname: expected letters, digits, dots and hyphens, got ${JSON.stringify(hostname)}`,
    );
  }
  return {
    ...(mount === undefined ? {} : { mount }),
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(workdir === undefined ? {} : { workdir: workdirIn(workdir) }),
    ...(user === undefined ? {} : { user }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(args.length === 0 ? {} : { command: args }),
    ...(flags.anyArchitecture === true
      ? {}
      : { architecture: hostPlatform(environment.architecture).architecture }),
    isWritable: flags.writable === true,
    network: flags.network,
    binds: (flags.bind ?? []).map((text) => parseBind(text, environment.workingDirectory)),
    env: (flags.env ?? []).flatMap((text) => variableOf(text, session)),
    tty: flags.tty === true,
  };
}

function workdirIn(text: string): string {
  if (text.startsWith("/")) return text;
  throw usageError(`bundle: --workdir: expected an absolute path, got ${JSON.stringify(text)}`);
}

/** `NAME=value`, or for NAME alone what it is here; one that is not set here is none. */
function variableOf(text: string, session: Session): string[] {
  const name = text.includes("=") ? text.slice(0, text.indexOf("=")) : text;
  if (name === "")
    throw usageError(`bundle: --env: expected NAME=value, got ${JSON.stringify(text)}`);
  if (name !== text) return [text];
  const value = session.environment.variables[name];
  return value === undefined ? [] : [`${name}=${value}`];
}

function madeJson({ directory, id, mount, overlay, isRootless, borrower, config }: Made): unknown {
  return {
    bundle: directory,
    id,
    mount,
    overlay: overlay ?? null,
    rootless: isRootless,
    borrower,
    process: config.process,
  };
}

const MOUNTERS: Readonly<Record<MountKind, string>> = {
  kernel: "the kernel",
  squashfuse: "squashfuse",
};

function madeText(image: string, { directory, id, mount, overlay, isRootless }: Made): string {
  const over = overlay === undefined ? "" : ", with an overlay";
  const whose = isRootless ? ", without root" : "";
  const how = `mounted by ${MOUNTERS[mount]}${over}${whose}`;
  return `${printable(directory)}: bundle of ${printable(image)} (${shortId(id)}), ${how}\n`;
}
