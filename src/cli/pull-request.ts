import { basename, resolve } from "node:path";
import {
  archiveBaseName,
  digestHex,
  familiarName,
  formatArchiveInput,
  formatLibraryName,
  imageNameOf,
  isFilePath,
  LOCAL_URI,
  isArchiveInput,
  isLibraryName,
  libraryNameOf,
  parseArchiveInput,
  parsePlatform,
  parseRef,
  STANDARD_INPUT,
  storeTagOf,
  type ImageName,
  type Platform,
  type ProfileChoice,
  type ProfileWish,
} from "../image/index.ts";
import { isPlainHttpHost } from "../config/index.ts";
import { isLocalName } from "../pull/index.ts";
import { usageError } from "./cli-error.ts";
import type { Environment } from "./environment.ts";
import { requireDirectory } from "./require-directory.ts";

/** The options of `siflet pull` as they were typed. */
export interface PullFlags extends Partial<ProfileChoice> {
  readonly platform?: string;
  readonly arch?: string;
  readonly output?: string;
  /** False with `--no-store`. */
  readonly store: boolean;
  readonly tmpdir?: string;
  readonly jobs?: number;
  readonly force?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly plainHttp?: readonly string[];
  readonly name?: readonly string[];
  readonly authfile?: string;
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly cacheDir?: string;
  readonly library?: string;
  /** False with `--no-cache`. */
  readonly cache: boolean;
}

/** What `siflet pull` is to do. */
export interface PullRequest {
  readonly reference: string;
  /** What is pulled, for people. */
  readonly title: string;
  readonly platform?: Platform;
  readonly wish: ProfileWish;
  readonly jobs?: number;
  readonly tmpDirectory?: string;
  /** Where the image goes: into the store, to a file or both. */
  readonly target: PullTarget;
  readonly force: boolean;
  readonly plainHttpHosts?: readonly string[];
  readonly authFile?: string;
  readonly cacheDirectory?: string;
  readonly usesCache: boolean;
  /** Of an image out of an archive; absent: those that the archive has. */
  readonly names?: readonly string[];
}

export type PullTarget =
  | { readonly kind: "store"; readonly file: string | undefined }
  | { readonly kind: "file"; readonly file: string };

/**
 * Makes sense of the arguments and options of `siflet pull`. Nothing is read or written but the
 * directory of `--tmpdir`. What the options leave out is absent: the configuration has it.
 *
 * @param targets - `REF` or `OUT.sif REF`; the path of a file is as good as its `local.file` reference
 * @throws CliError `USAGE`; ImageError `REFERENCE_INVALID`, `REFERENCE_TRANSPORT`,
 *   `PLATFORM_INVALID`
 */
export async function pullRequest(
  targets: readonly string[],
  flags: PullFlags,
  { workingDirectory }: Pick<Environment, "workingDirectory">,
): Promise<PullRequest> {
  const { reference: given, output } = splitTargets(targets);
  const reference = isFilePath(given) ? localReference(given, workingDirectory) : given;
  const { title, fileName } = namesOf(reference);
  const names = checkNames(flags.name, reference);
  const inPlace = (path: string): string => resolve(workingDirectory, path);
  const file = chooseFile(output, flags.output, inPlace);
  const platform = choosePlatformText(flags);
  const { compression, owners, layout, jobs, plainHttp, authfile } = flags;
  if (authfile === "") throw usageError("--authfile: expected a path, got an empty one");
  return {
    reference,
    title,
    ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
    wish: { compression, owners, layout },
    ...(jobs === undefined ? {} : { jobs }),
    ...(flags.cacheDir === undefined ? {} : { cacheDirectory: inPlace(flags.cacheDir) }),
    usesCache: flags.cache,
    ...(flags.tmpdir === undefined
      ? {}
      : { tmpDirectory: await requireDirectory(inPlace(flags.tmpdir), "--tmpdir") }),
    target: flags.store
      ? { kind: "store", file }
      : { kind: "file", file: file ?? inPlace(requireFileName(fileName)) },
    force: flags.force ?? false,
    ...(names === undefined ? {} : { names }),
    ...(plainHttp === undefined ? {} : { plainHttpHosts: plainHttp.map(plainHttpHost) }),
    ...(authfile === undefined ? {} : { authFile: inPlace(authfile) }),
  };
}

/** The same request for what is the same image by another reference. */
export function withReference(request: PullRequest, reference: string): PullRequest {
  if (reference === request.reference) return request;
  return { ...request, reference, title: namesOf(reference).title };
}

/** The file of this host that a path means, as a reference. */
function localReference(path: string, workingDirectory: string): string {
  return `${LOCAL_URI}${resolve(workingDirectory, path)}`;
}

/** What a reference is called, and its file where nobody names one. */
function namesOf(reference: string): {
  readonly title: string;
  readonly fileName: string | undefined;
} {
  if (isArchiveInput(reference)) {
    const input = parseArchiveInput(reference);
    const fileName = `${archiveBaseName(input)}.sif`;
    return {
      title: formatArchiveInput(input),
      fileName: input.path === STANDARD_INPUT ? undefined : fileName,
    };
  }
  if (isLocalName(reference)) {
    const title = parseRef(reference).toString();
    return { title, fileName: basename(title) };
  }
  if (isLibraryName(reference)) {
    const name = libraryNameOf(reference);
    return { title: formatLibraryName(name), fileName: `${basename(name.path)}_${name.tag}.sif` };
  }
  const name = imageNameOf(reference);
  return { title: familiarName(name), fileName: defaultFile(name) };
}

function requireFileName(name: string | undefined): string {
  if (name !== undefined) return name;
  throw usageError("pull --no-store: expected the name of a file for what comes on standard input");
}

/** The names that an image of an archive shall have. */
function checkNames(
  names: readonly string[] | undefined,
  reference: string,
): readonly string[] | undefined {
  if (names === undefined) return undefined;
  if (!isArchiveInput(reference)) {
    throw usageError(
      "pull --name: expected a layout or an archive, got what has a name of its own",
    );
  }
  for (const name of names) {
    if (storeTagOf(name) !== undefined) continue;
    throw usageError(`pull --name: expected a name without a digest, got ${JSON.stringify(name)}`);
  }
  return names;
}

/** Where nobody names a file: `busybox_latest.sif`, as people know it from apptainer. */
export function defaultFile({ repository, tag, digest }: ImageName): string {
  const version = digest === undefined ? (tag ?? "latest") : `sha256.${digestHex(digest)}`;
  return `${basename(repository)}_${version}.sif`;
}

function splitTargets(targets: readonly string[]): { reference: string; output?: string } {
  const [first, second, ...more] = targets;
  if (first === undefined || more.length > 0) {
    throw usageError(`pull: expected [OUT.sif] REF, got ${targets.length} arguments`);
  }
  return second === undefined ? { reference: first } : { output: first, reference: second };
}

function chooseFile(
  argument: string | undefined,
  option: string | undefined,
  inPlace: (path: string) => string,
): string | undefined {
  const given = argument ?? option;
  if (given === undefined) return undefined;
  if (given === "")
    throw usageError("pull: expected the name of a file to write, got an empty one");
  if (option !== undefined && inPlace(option) !== inPlace(given)) {
    throw usageError(`pull: expected one file to write, got ${given} and --output ${option}`);
  }
  return inPlace(given);
}

function choosePlatformText({ platform, arch }: PullFlags): string | undefined {
  if (arch === undefined) return platform;
  if (platform !== undefined) {
    throw usageError("pull: expected --platform or --arch, got both");
  }
  return `linux/${arch}`;
}

function plainHttpHost(text: string): string {
  if (isPlainHttpHost(text)) return text;
  throw usageError(`--plain-http ${text}: expected a host as name or name:port`);
}
