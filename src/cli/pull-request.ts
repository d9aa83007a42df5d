import { basename, resolve } from "node:path";
import {
  digestHex,
  familiarName,
  imageNameOf,
  parsePlatform,
  parseRef,
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
  readonly cacheDir?: string;
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
  readonly cacheDirectory?: string;
  readonly usesCache: boolean;
}

export type PullTarget =
  | { readonly kind: "store"; readonly file: string | undefined }
  | { readonly kind: "file"; readonly file: string };

/**
 * Makes sense of the arguments and options of `siflet pull`. Nothing is read or written but the
 * directory of `--tmpdir`. What the options leave out is absent: the configuration has it.
 *
 * @param targets - `REF` or `OUT.sif REF`
 * @throws CliError `USAGE`; ImageError `REFERENCE_INVALID`, `REFERENCE_TRANSPORT`,
 *   `PLATFORM_INVALID`
 */
export async function pullRequest(
  targets: readonly string[],
  flags: PullFlags,
  { workingDirectory }: Pick<Environment, "workingDirectory">,
): Promise<PullRequest> {
  const { reference, output } = splitTargets(targets);
  const { title, fileName } = namesOf(reference);
  const inPlace = (path: string): string => resolve(workingDirectory, path);
  const file = chooseFile(output, flags.output, inPlace);
  const platform = choosePlatformText(flags);
  const { compression, owners, layout, jobs, plainHttp } = flags;
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
      : { kind: "file", file: file ?? inPlace(fileName) },
    force: flags.force ?? false,
    ...(plainHttp === undefined ? {} : { plainHttpHosts: plainHttp.map(plainHttpHost) }),
  };
}

/** What a reference is called, and its file where nobody names one. */
function namesOf(reference: string): { readonly title: string; readonly fileName: string } {
  if (isLocalName(reference)) {
    const title = parseRef(reference).toString();
    return { title, fileName: basename(title) };
  }
  const name = imageNameOf(reference);
  return { title: familiarName(name), fileName: defaultFile(name) };
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
