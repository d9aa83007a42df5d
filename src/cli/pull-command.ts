import { dirname } from "node:path";
import { familiarName, Info, parseRef, repositoryName } from "../image/index.ts";
import {
  copyToOutput,
  defaultJobs,
  familiarText,
  infoOf,
  pullToFile,
  pullToStore,
  type OnPullEvent,
  type PulledFile,
  type PullOptions,
} from "../pull/index.ts";
import { usageError } from "./cli-error.ts";
import { formatSize, shellWord } from "./format.ts";
import { requireOutputPlace } from "./output-place.ts";
import { printable } from "./printable.ts";
import { openProgress } from "./progress.ts";
import { pullRequest, type PullFlags, type PullRequest } from "./pull-request.ts";
import { openStoreToWrite } from "./session-store.ts";
import type { Session } from "./session.ts";
import { formatTable } from "./table.ts";

/** `siflet pull`: makes an image of a reference, in the store, as a file or both. */
export async function pullCommand(
  targets: readonly string[],
  flags: PullFlags,
  session: Session,
): Promise<void> {
  if (!flags.store && session.storeFlag !== undefined) {
    throw usageError("pull: expected --store or --no-store, got both");
  }
  const request = await pullRequest(targets, flags, session.environment);
  const { file } = request.target;
  if (file !== undefined) await requireOutputPlace(file, request.force);
  const info = await pull(request, { quiet: flags.quiet ?? false }, session);
  await session.print(
    flags.json === true ? `${JSON.stringify(info)}\n` : resultText(info, request, session),
  );
}

async function pull(
  request: PullRequest,
  options: { readonly quiet: boolean },
  session: Session,
): Promise<Info> {
  using progress = await openProgress(familiarName(request.name), session, options);
  return request.target.kind === "store"
    ? await pullIntoStore(request, request.target.file, progress.onEvent, session)
    : await pullIntoFile(request, request.target.file, progress.onEvent, session);
}

async function pullIntoStore(
  request: PullRequest,
  file: string | undefined,
  onEvent: OnPullEvent,
  session: Session,
): Promise<Info> {
  const { signal, environment } = session;
  await using store = await openStoreToWrite(session);
  await using context = await environment.openContext(request.plainHttpHosts);
  const options = pullOptions(request, onEvent, session);
  const image = await pullToStore(store, request.reference, context, options, signal);
  if (file !== undefined) await copyToOutput(image.path, file, request, signal);
  return infoOf(image);
}

async function pullIntoFile(
  request: PullRequest,
  file: string,
  onEvent: OnPullEvent,
  session: Session,
): Promise<Info> {
  await using context = await session.environment.openContext(request.plainHttpHosts);
  const pulled = await pullToFile(
    dirname(file),
    () => file,
    request.reference,
    context,
    { ...pullOptions(request, onEvent, session), force: request.force },
    session.signal,
  );
  return infoOfFile(pulled, request.reference);
}

function pullOptions(request: PullRequest, onEvent: OnPullEvent, session: Session): PullOptions {
  const { platform, compression, owners, tmpDirectory } = request;
  const jobs = request.jobs ?? defaultJobs(session.environment.parallelism);
  return { platform, compression, owners, tmpDirectory, jobs, onEvent };
}

/** A pulled file as the image that it is; its names are those that a store would record. */
function infoOfFile(file: PulledFile, reference: string): Info {
  const ref = parseRef(reference);
  ref.addDigests([familiarText(`${repositoryName(file.name)}@${file.rootDigest}`)]);
  const { id, size, path, config } = file;
  return new Info({ id, size, path, ref, ociConfig: config, origin: "layers" });
}

/** The result for people, and what to do with it. */
function resultText(info: Info, { name, target }: PullRequest, session: Session): string {
  const { file = info.path } = target;
  const title = familiarName(name);
  const inStore = session.storeFlag === undefined ? "" : `--store ${shellWord(session.storeFlag)} `;
  const run =
    target.file === undefined ? `$(siflet path ${inStore}${shellWord(title)})` : shellWord(file);
  return (
    `${title}\n` +
    formatTable([
      ["  id", info.id],
      ["  size", formatSize(info.size)],
      ["  file", printable(file)],
      ["  run", printable(`apptainer run ${run}`)],
    ])
  );
}
