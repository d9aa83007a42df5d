import { basename } from "node:path";
import { isDigest, type Digest } from "./digest.ts";
import { ImageError } from "./image-error.ts";
import { parseImageName } from "./image-name.ts";

/** `docker-archive` is also read where it is an image layout in a tar, and nothing else. */
export type ArchiveKind = "oci" | "oci-archive" | "docker-archive";

/** Which image of an archive. */
export type ImageChoice =
  /** The one that there is. */
  | { readonly kind: "only" }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "digest"; readonly digest: Digest }
  /** Its place in `index.json` or `manifest.json`, from 0 on. */
  | { readonly kind: "place"; readonly place: number };

/** Something to pull that is no reference, as people write it for skopeo, podman and apptainer. */
export interface ArchiveInput {
  readonly kind: ArchiveKind;
  /** As it was typed; `-` is standard input, but for a layout. */
  readonly path: string;
  readonly choice: ImageChoice;
}

export const STANDARD_INPUT = "-";

const INPUT = /^(oci|oci-archive|docker-archive):([^]*)$/;
const WITH_DIGEST = /^([^]*)@(sha256:[^@/]*)$/;
const PLACE = /^@(0|[1-9][0-9]{0,8})$/;

/** Whether `text` names an image layout or an archive: `oci:`, `oci-archive:`, `docker-archive:`, `-`. */
export function isArchiveInput(text: string): boolean {
  return text === STANDARD_INPUT || INPUT.test(text);
}

/**
 * Reads `KIND:PATH`, `KIND:PATH:NAME`, `KIND:PATH:@PLACE` or `KIND:PATH@sha256:…`. A path holds no
 * colon: the first one ends it, as for other tools. `-` alone is an archive on standard input.
 *
 * @throws ImageError `REFERENCE_INVALID`
 * @see registry.md §8
 */
export function parseArchiveInput(text: string): ArchiveInput {
  if (text === STANDARD_INPUT) {
    return { kind: "docker-archive", path: STANDARD_INPUT, choice: { kind: "only" } };
  }
  const [, kind = "", rest = ""] = INPUT.exec(text) ?? [];
  if (!isArchiveKind(kind)) throw invalid(text, "oci:, oci-archive: or docker-archive:");
  const [, head = rest, digest] = WITH_DIGEST.exec(rest) ?? [];
  const colon = head.indexOf(":");
  const path = colon < 0 ? head : head.slice(0, colon);
  if (path === "" || path.includes("\0")) throw invalid(text, "a path after the kind");
  if (kind === "oci" && path === STANDARD_INPUT) {
    throw invalid(text, "a directory; standard input can be an archive alone");
  }
  if (digest !== undefined) {
    if (colon >= 0) throw invalid(text, "a name or a digest, got both");
    if (!isDigest(digest)) throw invalid(text, "sha256: and 64 lower-case hex digits after the @");
    return { kind, path, choice: { kind: "digest", digest } };
  }
  const selector = colon < 0 ? undefined : head.slice(colon + 1);
  return { kind, path, choice: parseChoice(selector, kind, text) };
}

/** The text that means `input`. */
export function formatArchiveInput({ kind, path, choice }: ArchiveInput): string {
  return `${kind}:${path}${formatChoice(choice)}`;
}

/** `app_1` for `docker-archive:out/app.tar.gz:example/app:1`: what a file of the image may be called. */
export function archiveBaseName({ path, choice }: ArchiveInput): string {
  const base = basename(path).replace(/\.(?:tar(?:\.gz|\.zst)?|tgz)$/i, "");
  const suffix = choice.kind === "name" ? (choice.name.split(/[/:]/).at(-1) ?? "") : "";
  return suffix === "" ? base : `${base}_${suffix}`;
}

function isArchiveKind(text: string): text is ArchiveKind {
  return text === "oci" || text === "oci-archive" || text === "docker-archive";
}

function parseChoice(selector: string | undefined, kind: ArchiveKind, text: string): ImageChoice {
  if (selector === undefined) return { kind: "only" };
  if (selector === "") throw invalid(text, "a name behind the last colon, or no colon");
  const place = PLACE.exec(selector)?.[1];
  if (place !== undefined) return { kind: "place", place: Number(place) };
  if (selector.startsWith("@")) throw invalid(text, "a number from 0 on behind :@");
  // Here the name must be one of a registry; in a layout it is any text.
  if (kind === "docker-archive") parseImageName(selector);
  return { kind: "name", name: selector };
}

function formatChoice(choice: ImageChoice): string {
  switch (choice.kind) {
    case "only":
      return "";
    case "name":
      return `:${choice.name}`;
    case "digest":
      return `@${choice.digest}`;
    case "place":
      return `:@${choice.place}`;
  }
}

function invalid(text: string, expected: string): ImageError {
  const shown = JSON.stringify(text.slice(0, 200));
  return new ImageError("REFERENCE_INVALID", `${shown}: expected ${expected}`);
}
