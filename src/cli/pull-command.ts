import { dirname } from "node:path";
import { addAbortSignal } from "node:stream";
import { shellWord } from "../base/index.ts";
import { formatOrigin, originOf, type Config, type FlagSettings } from "../config/index.ts";
import { hasLayout, isArchiveInput, type Info, type Profile } from "../image/index.ts";
import {
  copyLocalName,
  copyToOutput,
  infoOfFile,
  infoOfLocal,
  isLocalName,
  pullToFile,
  pullToStore,
  type ArchiveAccess,
  type OnPullEvent,
  type PullContext,
  type PullOptions,
  type TrustGate,
  withCopyIn,
} from "../pull/index.ts";
import type { Credentials } from "../registry/index.ts";
import { usageError } from "./cli-error.ts";
import { credentialsOf } from "./credentials-of.ts";
import type { Environment, OpenedContext } from "./environment.ts";
import { formatSize } from "./format.ts";
import { chooseLibrary, type LibraryChoice } from "./library-choice.ts";
import { jsonText } from "./json-text.ts";
import { openOtherStores } from "./other-stores.ts";
import { requireOutputPlace } from "./output-place.ts";
import { printable } from "./printable.ts";
import { packCachePlace } from "./pack-cache-place.ts";
import { openProgress } from "./progress.ts";
import { pullRequest, withReference, type PullFlags, type PullRequest } from "./pull-request.ts";
import { requireDirectory } from "./require-directory.ts";
import { infoOf, type Store } from "../store/index.ts";
import { contextSettings } from "./context-settings.ts";
import { trustGate } from "./trust-of.ts";
import { openStoreToWrite } from "./session-store.ts";
import type { Session } from "./session.ts";
import { formatTable } from "./table.ts";

/** `siflet pull`: makes an image of a reference, in the store, as a file or both. */
export async function pullCommand(
  targets: readonly string[],
  flags: PullFlags,
  session: Session,
): Promise<void> {
  if (!flags.store && session.flags.store !== undefined) {
    throw usageError("pull: expected --store or --no-store, got both");
  }
  const given = await pullRequest(targets, flags, session.environment);
  const { file } = given.target;
  if (file !== undefined) await requireOutputPlace(file, given.force);
  const config = await configOf(given, session);
  const { variables } = session.environment;
  const chosen = await chooseLibrary(given.reference, flags.library, config, variables);
  const request = withReference(given, chosen.reference);
  const credentials = await credentialsOf("pull", request.reference, flags, config, session);
  const { libraries } = chosen;
  const options = { quiet: flags.quiet ?? false, credentials, libraries };
  const pulled = await pull(request, config, options, session);
  await session.print(
    flags.json === true ? `${jsonText(pulled.info)}\n` : resultText(pulled, request, session),
  );
}

/** What a pull made or found. */
interface Pulled {
  readonly info: Info;
  /** Absent where that is not known. */
  readonly profile: Profile | undefined;
}

/** The settings in force for this pull. */
async function configOf(request: PullRequest, session: Session): Promise<Config> {
  const { jobs, tmpDirectory, plainHttpHosts, authFile, cacheDirectory, usesCache } = request;
  const flags: FlagSettings = {
    ...(jobs === undefined ? {} : { jobs }),
    ...(tmpDirectory === undefined ? {} : { tmpdir: tmpDirectory }),
    ...(plainHttpHosts === undefined ? {} : { plainHttp: plainHttpHosts }),
    ...(authFile === undefined ? {} : { authFile }),
    ...(cacheDirectory === undefined ? {} : { "cache.dir": cacheDirectory }),
    ...(usesCache ? {} : { "cache.maxBytes": { maxBytes: 0, maxPercent: 100 } }),
  };
  const config = await session.config(flags);
  const { tmpdir } = config.values;
  if (tmpdir !== undefined && tmpDirectory === undefined) {
    await requireDirectory(tmpdir, `${formatOrigin(originOf(config, "tmpdir"))}: tmpdir`);
  }
  return config;
}

async function pull(
  request: PullRequest,
  config: Config,
  { quiet, credentials, libraries }: Sources & { readonly quiet: boolean },
  session: Session,
): Promise<Pulled> {
  using progress = await openProgress(request.title, session, { quiet });
  const sources = { credentials, libraries };
  await using parts = await openParts(request, config, sources, progress.onEvent, session);
  const pullOptions: PullOptions = {
    ...request.wish,
    platform: request.platform,
    tmpDirectory: config.values.tmpdir,
    jobs: config.values.jobs,
    cache: await packCacheFor(request, config),
    names: request.names,
    onEvent: progress.onEvent,
  };
  return await pullToTarget(request, parts, pullOptions, session.signal);
}

/** As whom registries are asked, and how libraries are. */
interface Sources {
  readonly credentials: Credentials;
  readonly libraries: LibraryChoice["libraries"];
}

/** What a pull works with; disposing closes it. */
interface PullParts extends AsyncDisposable {
  readonly context: PullContext;
  /** About to be open; absent where the pull is to a file alone. */
  readonly store: Promise<Store> | undefined;
}

/** Lets the store open while the client of registries is loaded, and asked: each waits more than it works. */
async function openParts(
  { target }: PullRequest,
  config: Config,
  sources: Sources,
  onEvent: OnPullEvent,
  session: Session,
): Promise<PullParts> {
  await using opened = new AsyncDisposableStack();
  const store = target.kind === "file" ? undefined : openStoreToWrite(session);
  opened.defer(async () => {
    // Whoever waits for it is told what kept it from opening.
    const ready = await store?.catch(() => undefined);
    await ready?.close();
  });
  const context = opened.use(await openContext(config, sources, store, session));
  // Only a store keeps what is taken.
  const otherStores =
    store &&
    (await openOtherStores(
      config,
      opened,
      (message) => {
        onEvent({ kind: "warning", message });
      },
      session,
    ));
  const parts = opened.move();
  return {
    store,
    context: {
      ...context,
      archives: archivesOf(session.environment),
      trust: gateOf(target, trustGate(config, session)),
      ...(otherStores && { otherStores }),
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** What goes into the store and to a file is judged for both places before it is in either. */
function gateOf({ kind, file }: PullRequest["target"], gate: TrustGate): TrustGate {
  return kind === "store" && file !== undefined ? withCopyIn(gate, dirname(file)) : gate;
}

async function openContext(
  config: Config,
  { credentials, libraries }: Sources,
  store: Promise<Store> | undefined,
  session: Session,
): Promise<OpenedContext> {
  try {
    return await session.environment.openContext(contextSettings(config, credentials, libraries));
  } catch (error) {
    // What is wrong with the store comes first: without one nothing else matters.
    await store;
    throw error;
  }
}

/** Any archive that the user can read, and what is piped in. */
function archivesOf(environment: Environment): ArchiveAccess {
  return {
    workingDirectory: environment.workingDirectory,
    standardInput(signal) {
      const { stdin } = environment;
      if (stdin.isTTY === true) {
        throw usageError("pull: expected an archive on standard input, got a terminal");
      }
      return addAbortSignal(signal, stdin);
    },
  };
}

/** The cache of a pull into the store; one to a file alone has none unless it is named. */
async function packCacheFor(request: PullRequest, config: Config): Promise<PullOptions["cache"]> {
  const isNamed = config.values["cache.dir"] !== undefined;
  if (request.target.kind === "file" && !isNamed) return undefined;
  return await packCachePlace(config);
}

async function pullToTarget(
  request: PullRequest,
  { context, store }: PullParts,
  options: PullOptions,
  signal: AbortSignal,
): Promise<Pulled> {
  const { reference, target, force } = request;
  const output = { force, now: context.now() };
  if (target.kind === "file") {
    const { file } = target;
    if (isLocalName(reference)) {
      const local = await copyLocalName(reference, context, file, output, signal);
      return { info: infoOfLocal(local, reference), profile: undefined };
    }
    const toFile = { ...options, force };
    const pulled = await pullToFile(dirname(file), () => file, reference, context, toFile, signal);
    return { info: infoOfFile(pulled), profile: pulled.profile };
  }
  if (store === undefined) throw new Error("a pull into a store that was not opened");
  const image = await pullToStore(store, reference, context, options, signal);
  if (target.file !== undefined) {
    await copyToOutput(image.path, target.file, image.id, output, signal);
  }
  return { info: infoOf(image), profile: image.profile };
}

/** The result for people, and what to do with it. */
function resultText(
  { info, profile }: Pulled,
  { reference, title, target }: PullRequest,
  session: Session,
): string {
  const { file = info.path } = target;
  // By what an archive is called nothing is found.
  const found = isArchiveInput(reference) ? (info.ref.tags()[0] ?? info.id) : title;
  const path = ["siflet path", ...placeFlags(session), shellWord(found)].join(" ");
  const run = target.file === undefined ? `$(${path})` : shellWord(file);
  // Without a runscript it would start a shell, whatever the image says.
  const isPlain = profile !== undefined && hasLayout(profile, "plain");
  return (
    `${title}\n` +
    formatTable([
      ["  id", info.id],
      ["  size", formatSize(info.size)],
      ["  file", printable(file)],
      isPlain
        ? ["  layout", `${profile.layout}: for runtimes that read the OCI configuration`]
        : ["  run", printable(`apptainer run ${run}`)],
    ])
  );
}

/** The options that another command finds the same store with. */
function placeFlags({ flags }: Session): string[] {
  return (["config", "store"] as const).flatMap((name) => {
    const value = flags[name];
    return value === undefined ? [] : [`--${name} ${shellWord(value)}`];
  });
}
