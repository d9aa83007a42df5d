import { limitError, type Limits } from "../base/index.ts";
import { parseStrictJson, type ImageName } from "../image/index.ts";
import { ArchiveError, archiveInvalid } from "./archive-error.ts";
import { readSmall, type ArchiveFiles } from "./archive-files.ts";
import { nameOf, type ArchivedImage } from "./archived-image.ts";

/** One image of a Docker archive, as `manifest.json` has it. */
export interface DockerEntry extends ArchivedImage {
  /** Names of files in the archive. */
  readonly config: string;
  readonly layers: readonly string[];
}

const MANIFEST_FILE = "manifest.json";
/** What Docker before 1.10 wrote instead. */
const OLD_FILE = "repositories";
const MANIFEST_BYTES = 1024 * 1024;

/**
 * Reads the list of images of what `docker save` writes.
 *
 * @param what - the archive, for messages
 * @throws ArchiveError `ARCHIVE_INVALID`, `ARCHIVE_UNSUPPORTED`; ImageError `JSON_INVALID`; LimitError
 *   `LIMIT_MANIFEST_BYTES`, `LIMIT_LAYERS`
 * @see registry.md §8
 */
export async function readDockerManifest(
  files: ArchiveFiles,
  limits: Limits,
  what: string,
): Promise<readonly DockerEntry[]> {
  const name = `${MANIFEST_FILE} of ${what}`;
  const most = Math.min(limits.manifestBytes, MANIFEST_BYTES);
  const bytes = await readSmall(files, MANIFEST_FILE, {
    limits: { ...limits, manifestBytes: most },
    limit: "manifestBytes",
    what: name,
  });
  if (bytes === undefined) throw await noManifest(files, what);
  const list = parseStrictJson(bytes, name);
  if (!Array.isArray(list)) throw archiveInvalid(name, "a list of images");
  return list.map((item: unknown, place) =>
    readEntry(item, place, `${name}: image ${place}`, limits),
  );
}

async function noManifest(files: ArchiveFiles, what: string): Promise<ArchiveError> {
  await using old = await files.open(OLD_FILE);
  if (old === undefined) {
    return archiveInvalid(what, `an image archive, got a tar without ${MANIFEST_FILE}`);
  }
  const message = `${what}: expected an archive of Docker 1.10 or later, got an older one`;
  return new ArchiveError("ARCHIVE_UNSUPPORTED", `${message}; load it and save it again`);
}

function readEntry(item: unknown, place: number, what: string, limits: Limits): DockerEntry {
  if (typeof item !== "object" || item === null) throw archiveInvalid(what, "an object");
  const members = new Map<string, unknown>(Object.entries(item));
  const [config, ...more] = textsOf([members.get("Config")], "Config", what);
  if (config === undefined || more.length > 0) throw archiveInvalid(what, "a Config");
  const layers = textsOf(members.get("Layers"), "Layers", what);
  if (layers.length > limits.layers) throw limitError(limits, "layers", what, layers.length);
  const texts = textsOf(members.get("RepoTags"), "RepoTags", what);
  const names = texts.flatMap((text): ImageName[] => {
    const name = text.includes("@") ? undefined : nameOf(text);
    return name === undefined ? [] : [name];
  });
  return {
    key: String(place),
    texts,
    names,
    digest: undefined,
    place,
    config: memberName(config, what),
    layers: layers.map((layer) => memberName(layer, what)),
  };
}

/** A list of strings; Go writes null for an empty one. */
function textsOf(value: unknown, member: string, what: string): readonly string[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw archiveInvalid(what, `${member} as a list`);
  return value.map((text: unknown) => {
    if (typeof text === "string") return text;
    throw archiveInvalid(what, `${member} of strings`);
  });
}

/** The name of a file in the archive, cleaned of `./`. */
function memberName(text: string, what: string): string {
  const parts = text
    .split("/")
    .filter((part, index) => part !== "." && (part !== "" || index === 0));
  if (parts.length > 0 && !parts.includes("") && !parts.includes("..")) return parts.join("/");
  const shown = JSON.stringify(text.slice(0, 200));
  throw archiveInvalid(what, `names of files in the archive, got ${shown}`);
}
