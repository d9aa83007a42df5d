import { shellWord, type CodedError } from "../base/index.ts";
import type { ConfigPlaces } from "../config/index.ts";
import type { Finding } from "./finding.ts";
import { presentOf, type Host } from "./host.ts";

/** How the reading of the configuration went. */
export interface ConfigurationRead {
  readonly places: ConfigPlaces;
  /** The file in force; absent where there is none, or it cannot be read. */
  readonly path: string | undefined;
  /** What is wrong with it. */
  readonly problems: readonly CodedError[];
}

const GROUP_OR_OTHERS_WRITE = 0o022;

/** The configuration file in force. */
export async function checkConfiguration(
  host: Host,
  { places, path, problems }: ConfigurationRead,
): Promise<Finding[]> {
  const base = { topic: "configuration", check: "file" } as const;
  if (problems.length > 0) {
    return problems.map(({ message }) => ({
      ...base,
      status: "problem",
      text: message,
      remedy: "correct the file; siflet config check looks at it again",
      facts: { path: path ?? null },
    }));
  }
  if (path === undefined) {
    const text = `no configuration file (${places.paths.join(", ")}): the defaults hold`;
    return [{ ...base, status: "ok", text, facts: { path: null } }];
  }
  const others = places.paths.slice(places.paths.indexOf(path) + 1);
  return [
    { ...base, status: "ok", text: `${path} is in force`, facts: { path } },
    ...(await permissionFindings(host, path)),
    ...(await presentOf(host, others)).map((other): Finding => {
      const text = `${other} is not read, for ${path} is there`;
      return { ...base, check: "other-file", status: "note", text, facts: { path: other } };
    }),
  ];
}

async function permissionFindings(host: Host, path: string): Promise<Finding[]> {
  const facts = await host.facts(path);
  if (facts?.kind !== "file" || (facts.mode & GROUP_OR_OTHERS_WRITE) === 0) return [];
  return [
    {
      topic: "configuration",
      check: "permissions",
      status: "warning",
      text: `${path} may be written by others: they can decide what siflet does for you`,
      remedy: `chmod go-w ${shellWord(path)}`,
    },
  ];
}
