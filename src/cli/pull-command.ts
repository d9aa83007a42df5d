import { dirname } from "node:path";
import { shellWord } from "../base/index.ts";
import { formatOrigin, originOf, type Config, type FlagSettings } from "../config/index.ts";
import { hasLayout, type Info, type Profile } from "../image/index.ts";
import {
  copyToOutput,
  describeLocalName,
  infoOf,
  infoOfFile,
  infoOfLocal,
  isLocalName,
  localFilesOf,
  pullToFile,
  pullToStore,
  type OnPullEvent,
  type PullContext,
  type PullOptions,
} from "../pull/index.ts";
import { usageError } from "./cli-error.ts";
import { formatSize } from "./format.ts";
import { jsonText } from "./json-text.ts";
import { requireOutputPlace } from "./output-place.ts";
import { printable } from "./printable.ts";
import { packCachePlace } from "./pack-cache-place.ts";
import { openProgress } from "./progress.ts";
import { pullRequest, type PullFlags, type PullRequest } from "./pull-request.ts";
import { requireDirectory } from "./require-directory.ts";
import { StoreError, type Store } from "../store/index.ts";
import { localFilesIn, openStoreToWrite } from "./session-store.ts";
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
  const request = await pullRequest(targets, flags, session.environment);
  const { file } = request.target;
  if (file !== undefined) await requireOutputPlace(file, request.force);
  const config = await configOf(request, session);
  const pulled = await pull(request, config, { quiet: flags.quiet ?? false }, session);
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
  const { jobs, tmpDirectory, plainHttpHosts, cacheDirectory, usesCache } = request;
  const flags: FlagSettings = {
    ...(jobs === undefined ? {} : { jobs }),
    ...(tmpDirectory === undefined ? {} : { tmpdir: tmpDirectory }),
    ...(plainHttpHosts === undefined ? {} : { plainHttp: plainHttpHosts }),
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
  options: { readonly quiet: boolean },
  session: Session,
): Promise<Pulled> {
  using progress = await openProgress(request.title, session, options);
  await using parts = await openParts(request, config, progress.onEvent, session);
  const pullOptions: PullOptions = {
    ...request.wish,
    platform: request.platform,
    tmpDirectory: config.values.tmpdir,
    jobs: config.values.jobs,
    cache: await packCacheFor(request, config),
    onEvent: progress.onEvent,
  };
  return await pullToTarget(request, parts, pullOptions, session.signal);
}

/** What a pull works with; disposing closes it. */
interface PullParts extends AsyncDisposable {
  readonly context: PullContext;
  /** Absent where the pull is to a file alone. */
  readonly store: Store | undefined;
}

/** Opens the store while the client of registries is loaded: either waits more than it works. */
async function openParts(
  { target }: PullRequest,
  config: Config,
  onEvent: OnPullEvent,
  session: Session,
): Promise<PullParts> {
  const { compression, owners, layout, limits, plainHttp: plainHttpHosts } = config.values;
  const localFiles = localFilesIn(config);
  const defaults = { compression, owners, layout };
  await using opened = new AsyncDisposableStack();
  const [store, context] = await Promise.allSettled([
    target.kind === "file" ? undefined : openStoreToWrite(session),
    session.environment.openContext({ plainHttpHosts, limits, defaults, localFiles }),
  ]);
  // Whichever is open is closed where the other one failed.
  if (store.status === "fulfilled") opened.use(store.value);
  if (context.status === "fulfilled") opened.use(context.value);
  if (store.status === "rejected") throw store.reason;
  if (context.status === "rejected") throw context.reason;
  // Only a store keeps what is taken.
  const otherStores = store.value && (await openOtherStores(config, opened, onEvent, session));
  const parts = opened.move();
  return {
    store: store.value,
    context: { ...context.value, ...(otherStores && { otherStores }) },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Opens the stores that an image may be copied from; one that cannot be read is told, and passed over. */
async function openOtherStores(
  config: Config,
  opened: AsyncDisposableStack,
  onEvent: OnPullEvent,
  session: Session,
): Promise<readonly Store[]> {
  const stores: Store[] = [];
  for (const directory of config.values.stores) {
    if (directory === config.values.store) continue;
    try {
      stores.push(opened.use(await session.environment.openStore(directory, { readOnly: true })));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      const message = `store ${directory} cannot be used: ${error.message}`;
      onEvent({ kind: "warning", message });
    }
  }
  return stores;
}

/** The cache of a pull into the store; one to a file alone has none unless it is named. */
async function packCacheFor(request: PullRequest, config: Config): Promise<PullOptions["cache"]> {
  const isNamed = request.cacheDirectory !== undefined;
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
  if (target.kind === "file") {
    const { file } = target;
    if (isLocalName(reference)) {
      const local = await describeLocalName(reference, localFilesOf(context), signal);
      await copyToOutput(local.path, file, { force }, signal);
      return { info: infoOfLocal({ ...local, path: file }, reference), profile: undefined };
    }
    const toFile = { ...options, force };
    const pulled = await pullToFile(dirname(file), () => file, reference, context, toFile, signal);
    return { info: infoOfFile(pulled, reference), profile: pulled.profile };
  }
  if (store === undefined) throw new Error("a pull into a store that was not opened");
  const image = await pullToStore(store, reference, context, options, signal);
  if (target.file !== undefined) await copyToOutput(image.path, target.file, { force }, signal);
  return { info: infoOf(image), profile: image.profile };
}

/** The result for people, and what to do with it. */
function resultText(
  { info, profile }: Pulled,
  { title, target }: PullRequest,
  session: Session,
): string {
  const { file = info.path } = target;
  const path = ["siflet path", ...placeFlags(session), shellWord(title)].join(" ");
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
