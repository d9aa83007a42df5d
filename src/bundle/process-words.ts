import { posix } from "node:path";
import type { OciConfig } from "../image/index.ts";
import { BundleError } from "./bundle-error.ts";

/** What the caller wants of the container's process; what is absent is the image's. */
export interface ProcessWish {
  /** Takes the place of Cmd. */
  readonly command?: readonly string[];
  /** Takes the place of Entrypoint, and with it of Cmd; "" is none. */
  readonly entrypoint?: string;
  /** `NAME=value`, the last of a name counts. */
  readonly env: readonly string[];
  readonly workdir?: string;
  readonly tty: boolean;
}

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The words of the container's process: Entrypoint and then Cmd, or what takes their place.
 *
 * @throws BundleError `BUNDLE_COMMAND` where that is nothing, or nothing that can be started
 * @see image-spec conversion.md, verbatim fields
 */
export function commandOf(config: OciConfig, wish: ProcessWish): readonly string[] {
  const { entrypoint, command } = wish;
  const words =
    entrypoint === undefined
      ? [...(config.Entrypoint ?? []), ...(command ?? config.Cmd ?? [])]
      : [...(entrypoint === "" ? [] : [entrypoint]), ...(command ?? [])];
  if (words.length === 0 || words[0] === "") {
    const message = "the image names no command: give one after --";
    throw new BundleError("BUNDLE_COMMAND", message);
  }
  if (words.some((word) => word.includes("\0"))) {
    const message = "a word of the command holds a NUL, with which no program can be started";
    throw new BundleError("BUNDLE_COMMAND", message);
  }
  return words;
}

/**
 * The environment of the container's process: the image's, the caller's over it, and what both leave
 * out and every program expects. Of one name the last counts; what is no `NAME=value` is left out, for
 * a runtime refuses the whole container over it.
 *
 * @param home - of the user in the image
 * @see image-spec conversion.md, note 1 to the verbatim fields
 */
export function environmentOf(config: OciConfig, wish: ProcessWish, home: string): string[] {
  const values = new Map<string, string>();
  for (const entry of [...(config.Env ?? []), ...wish.env]) {
    const at = entry.indexOf("=");
    if (at > 0 && !entry.includes("\0")) values.set(entry.slice(0, at), entry.slice(at + 1));
  }
  if (!values.has("PATH")) values.set("PATH", DEFAULT_PATH);
  if (!values.has("HOME")) values.set("HOME", home);
  if (wish.tty && !values.has("TERM")) values.set("TERM", "xterm");
  return Array.from(values, ([name, value]) => `${name}=${value}`);
}

/** Where the container's process starts: absolute, though an image may say otherwise. */
export function workdirOf(config: OciConfig, wish: ProcessWish): string {
  return posix.resolve("/", wish.workdir ?? config.WorkingDir ?? "/");
}
