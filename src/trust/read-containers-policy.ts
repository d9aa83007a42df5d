import { join } from "node:path";
import { isErrno, plainValue, ProblemAt } from "../base/index.ts";
import { readYaml } from "../config/index.ts";
import {
  type AttachmentRules,
  CosignError,
  parsePolicyJson,
  type PolicyParts,
  readAttachmentRules,
  type RegistriesFile,
} from "../cosign/index.ts";
import type { ReadText } from "./trusted-keys.ts";

/** How files of a policy are found and read; system errors come as they are. */
export interface PolicyReader {
  readonly readText: ReadText;
  /** Names of the entries of a directory. */
  readonly listDirectory: (path: string) => Promise<readonly string[]>;
  /** Absent: only the machine's files are looked for. */
  readonly homeDirectory: string | undefined;
}

/** Below `/etc` for the machine, below `.config` for a user. */
const DIRECTORY = "containers";

/**
 * Reads a policy.json.
 *
 * @param choice - an absolute path: signatures are then looked for beside every image; or `system`: the
 *   file that containers' other tools read, the user's or else the machine's, with the registries.d
 *   that says where signatures lie
 * @throws CosignError `POLICY_INVALID`, also where there is none
 * @see containers-policy.json(5), containers-registries.d(5); registry.md §12.4
 */
export async function readContainersPolicy(
  choice: string,
  reader: PolicyReader,
): Promise<PolicyParts> {
  if (choice !== "system") {
    return { policy: parse(await read(choice, reader), choice), attachments: undefined };
  }
  const { homeDirectory } = reader;
  const directories = [
    ...(homeDirectory === undefined ? [] : [join(homeDirectory, ".config", DIRECTORY)]),
    join("/etc", DIRECTORY),
  ];
  const attachments = await readRegistries(directories, reader);
  for (const directory of directories) {
    const path = join(directory, "policy.json");
    const text = await readIfThere(path, reader);
    if (text !== undefined) return { policy: parse(text, path), attachments };
  }
  const places = directories.join(" and ");
  throw new CosignError("POLICY_INVALID", `expected a policy.json in ${places}, got none`);
}

function parse(text: string, path: string): PolicyParts["policy"] {
  return parsePolicyJson(Buffer.from(text), path);
}

/** The user's directory where there is one, else the machine's: they are not mixed. */
async function readRegistries(
  directories: readonly string[],
  reader: PolicyReader,
): Promise<AttachmentRules> {
  for (const directory of directories) {
    const path = join(directory, "registries.d");
    const names = await ifThere(path, async () => await reader.listDirectory(path));
    if (names === undefined) continue;
    const files: RegistriesFile[] = [];
    for (const name of names.filter((one) => one.endsWith(".yaml")).toSorted()) {
      files.push(await readRegistriesFile(join(path, name), reader));
    }
    return readAttachmentRules(files);
  }
  return readAttachmentRules([]);
}

async function readRegistriesFile(source: string, reader: PolicyReader): Promise<RegistriesFile> {
  const text = await read(source, reader);
  try {
    const located = await readYaml(text);
    return { source, value: located && plainValue(located) };
  } catch (cause) {
    if (!(cause instanceof ProblemAt)) throw cause;
    const message = `${source}:${cause.line}: ${cause.message}`;
    throw new CosignError("POLICY_INVALID", message, { cause });
  }
}

async function read(path: string, { readText }: PolicyReader): Promise<string> {
  try {
    return await readText(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function readIfThere(path: string, reader: PolicyReader): Promise<string | undefined> {
  return await ifThere(path, async () => await reader.readText(path));
}

async function ifThere<Value>(path: string, ask: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await ask();
  } catch (cause) {
    if (isErrno(cause, "ENOENT", "ENOTDIR")) return undefined;
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): CosignError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CosignError("POLICY_INVALID", `${path}: ${reason}`, { cause });
}
