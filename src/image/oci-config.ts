import { ImageError, type ImageErrorCode } from "./image-error.ts";
import { isAbsent, isRecord, kindOf, stringItems, stringMembers } from "./json-value.ts";

/** Names alone: OCI writes a set as an object of empty objects. */
export type OciSet = Readonly<Record<string, Readonly<Record<string, never>>>>;

/**
 * How a container of the image starts: the *ImageConfig* of the OCI image-spec, without the fields
 * that Docker adds. A field that says nothing (null, "", [], {}) is absent.
 *
 * @see image-api.md, JSON
 */
export interface OciConfig {
  readonly User?: string;
  /** Ports as `80/tcp`. */
  readonly ExposedPorts?: OciSet;
  /** `NAME=value` in order, duplicates and entries without `=` as they came. */
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  /** Paths. */
  readonly Volumes?: OciSet;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
}

/**
 * Reads the `config` of an image, or `oci-config.json` of a SIF, out of `parseStrictJson` or
 * `JSON.parse`. Fields beyond the nine are dropped.
 *
 * @param what - the document, as the user knows it, for messages
 * @param code - the code that the caller promises
 * @throws ImageError `code` for a wrong type; Entrypoint and Cmd must be lists
 * @see registry.md §6.4; design decision 2
 */
export function parseOciConfig(
  value: unknown,
  what: string,
  code: ImageErrorCode = "CONFIG_INVALID",
): OciConfig {
  if (isAbsent(value)) return {};
  if (!isRecord(value)) throw invalid(code, what, "config as an object", value);
  const read = <T extends object | string>(
    name: string,
    expected: string,
    parse: (field: unknown) => T | undefined,
  ): T | undefined => {
    const field = value[name];
    if (isAbsent(field)) return undefined;
    const parsed = parse(field);
    if (parsed === undefined) throw invalid(code, what, `config.${name} as ${expected}`, field);
    // An empty text, list or object has no keys: it says nothing.
    return Object.keys(parsed).length === 0 ? undefined : parsed;
  };
  const fields: Fields = {
    User: read("User", "a string", text),
    ExposedPorts: read("ExposedPorts", "an object of empty objects", setMembers),
    Env: read("Env", "a list of strings", stringItems),
    Entrypoint: read("Entrypoint", "a list of strings", stringItems),
    Cmd: read("Cmd", "a list of strings", stringItems),
    Volumes: read("Volumes", "an object of empty objects", setMembers),
    WorkingDir: read("WorkingDir", "a string", text),
    Labels: read("Labels", "an object of strings", stringMembers),
    StopSignal: read("StopSignal", "a string", text),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined));
}

type Fields = { readonly [Name in keyof OciConfig]-?: OciConfig[Name] | undefined };

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The names of a set; what Docker writes for their values, {} or null, is {} alike. */
function setMembers(value: unknown): OciSet | undefined {
  if (!isRecord(value)) return undefined;
  const members = Object.entries(value);
  if (!members.every(([, each]) => each === null || isRecord(each))) return undefined;
  return Object.fromEntries(members.map(([name]) => [name, {}]));
}

function invalid(code: ImageErrorCode, what: string, expected: string, got: unknown): ImageError {
  return new ImageError(code, `${what}: expected ${expected}, got ${kindOf(got)}`);
}
