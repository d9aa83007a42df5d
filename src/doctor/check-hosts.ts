import { join } from "node:path";
import type { Config } from "../config/index.ts";
import {
  HostsError,
  loadParsers,
  registriesConfPlaces,
  type RegistriesConf,
} from "../hosts/index.ts";
import type { Finding } from "./finding.ts";
import { readText, type Host } from "./host.ts";

/** Whether each hosts.toml means something; a pull through one that does not is refused. */
export async function hostsFindings(host: Host, { values }: Config): Promise<Finding[]> {
  const base = { topic: "registries", check: "hosts" } as const;
  const findings: Finding[] = [];
  const read: string[] = [];
  const { parseHostsToml } = await loadParsers();
  for (const directory of values["registries.directories"]) {
    for (const name of (await host.list(directory)) ?? []) {
      const path = join(directory, name, "hosts.toml");
      const text = await readText(host, path);
      if (text === undefined) continue;
      const problem = problemOf(() => parseHostsToml(text, path));
      if (problem === undefined) read.push(path);
      else findings.push({ ...base, ...problem });
    }
  }
  if (read.length === 0) return findings;
  const text = `hosts of registries are those of ${read.join(", ")}`;
  return [...findings, { ...base, status: "ok", text, facts: { paths: read } }];
}

/** What registries.conf says and siflet does not follow; and whether it can be read for what it does. */
export async function registriesConfFindings(
  host: Host,
  { values }: Config,
  home: string | undefined,
): Promise<Finding[]> {
  const base = { topic: "registries", check: "registries-conf" } as const;
  const findings: Finding[] = [];
  const { parseRegistriesConf } = await loadParsers();
  for (const path of await confFiles(host, home)) {
    const text = await readText(host, path);
    let conf: RegistriesConf | undefined;
    const problem = problemOf(() => {
      if (text === undefined) throw new HostsError("REGISTRY_CONFIG", `cannot read ${path}`);
      conf = parseRegistriesConf(text, path);
    });
    if (problem !== undefined && values["registries.obeyBlocked"]) {
      findings.push({ ...base, ...problem });
    }
    if (conf?.isVersion1 === true) {
      findings.push({
        ...base,
        status: "warning",
        text: `${path} has the form of version 1, which Podman no longer reads: only its block list counts`,
        remedy: "write it anew as containers-registries.conf(5) has it",
      });
    }
    const unread = (conf?.unread ?? []).map(({ what, line }) => `${what} (line ${line})`);
    if (unread.length > 0) {
      findings.push({
        ...base,
        status: "note",
        text: `not followed in ${path}: ${unread.join(", ")}`,
        remedy: "write a hosts.toml for mirrors; put registries without TLS in plainHttp",
        facts: { path },
      });
    }
  }
  return findings;
}

function problemOf(parse: () => unknown): Pick<Finding, "status" | "text" | "remedy"> | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    if (!(error instanceof HostsError)) throw error;
    const remedy = "correct the file: pulls that need it are refused";
    return { status: "problem", text: error.message, remedy };
  }
}

async function confFiles(host: Host, home: string | undefined): Promise<readonly string[]> {
  const places = registriesConfPlaces(home, host.variables);
  const paths: string[] = [];
  for (const { file, directories, namedBy } of places) {
    const isThere = namedBy !== undefined || (await host.facts(file)) !== undefined;
    if (!isThere && places.at(-1)?.file !== file) continue;
    if (isThere) paths.push(file);
    for (const directory of directories) {
      const names = (await host.list(directory)) ?? [];
      const confs = names.filter((name) => name.endsWith(".conf")).sort();
      paths.push(...confs.map((name) => join(directory, name)));
    }
    return paths;
  }
  return paths;
}
