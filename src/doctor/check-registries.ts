import { join } from "node:path";
import type { Config } from "../config/index.ts";
import { hostsFindings, registriesConfFindings } from "./check-hosts.ts";
import { proxyFindings } from "./check-proxies.ts";
import type { Finding } from "./finding.ts";
import { presentOf, type Host } from "./host.ts";

/** A kind of configuration that other programs use and siflet does not read. */
interface UnreadKind {
  readonly check: string;
  readonly paths: readonly string[];
  readonly what: string;
  readonly remedy: string;
}

/**
 * What other programs are told about registries: whether siflet understands what it reads of it, and
 * what it does not read. Of logins, only where they are looked for is told.
 *
 * @param home - the user's home directory; absent for a process without one
 */
export async function checkRegistries(
  host: Host,
  config: Config,
  home: string | undefined,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const kind of unreadKinds(host, config, home)) {
    const paths = await presentOf(host, kind.paths);
    if (paths.length > 0) findings.push(unreadFinding(kind, paths));
  }
  findings.push(...(await loginFindings(host, config, home)));
  findings.push(...(await hostsFindings(host, config)));
  findings.push(...(await registriesConfFindings(host, config, home)));
  findings.push(...proxyFindings(host));
  if (findings.length > 0) return findings;
  const text = "no configuration of other programs for registries that siflet would not follow";
  return [{ topic: "registries", check: "unread", status: "ok", text }];
}

/** Where logins are looked for, as far as there is anything. */
async function loginFindings(
  host: Host,
  { values }: Config,
  home: string | undefined,
): Promise<Finding[]> {
  const { variables } = host;
  const files = await presentOf(host, loginFiles(host, values.authFile, home));
  const inVariable = (variables["DOCKER_AUTH_CONFIG"] ?? "") !== "";
  const places = [...files, ...(inVariable ? ["$DOCKER_AUTH_CONFIG"] : [])];
  if (places.length === 0) return [];
  const text = `logins are looked for in ${places.join(", ")}`;
  const facts = { paths: files };
  return [{ topic: "registries", check: "logins", status: "ok", text, facts }];
}

function loginFiles(
  { variables, userId }: Host,
  authFile: string | undefined,
  home: string | undefined,
): string[] {
  const inHome = (path: string): string[] => (home === undefined ? [] : [join(home, path)]);
  const named = (variable: string, file = ""): string[] => {
    const path = variables[variable] ?? "";
    return path === "" ? [] : [join(path, file)];
  };
  const runtime = variables["XDG_RUNTIME_DIR"] ?? `/run/containers/${userId}`;
  const user = named("XDG_CONFIG_HOME").at(0) ?? inHome(".config").at(0);
  return [
    ...(authFile === undefined ? [] : [authFile]),
    ...named("REGISTRY_AUTH_FILE"),
    join(runtime, "containers/auth.json"),
    ...(user === undefined ? [] : [join(user, "containers/auth.json")]),
    ...inHome(".apptainer/docker-config.json"),
    ...inHome(".singularity/docker-config.json"),
    ...named("DOCKER_CONFIG", "config.json"),
    ...inHome(".docker/config.json"),
  ];
}

function unreadFinding({ check, what, remedy }: UnreadKind, paths: readonly string[]): Finding {
  const text = `not read: ${paths.join(", ")} (${what})`;
  return { topic: "registries", check, status: "note", text, remedy, facts: { paths } };
}

function unreadKinds(
  { variables }: Host,
  { values }: Config,
  home: string | undefined,
): UnreadKind[] {
  const configured = variables["XDG_CONFIG_HOME"] ?? "";
  const user = configured === "" ? home && join(home, ".config") : configured;
  const inUser = (path: string): string[] => (user === undefined ? [] : [join(user, path)]);
  return [
    {
      check: "mirrors",
      paths: ["/etc/docker/daemon.json"],
      what: "mirrors of Docker Hub, registries without TLS",
      remedy: "write a hosts.toml for the mirror; put registries without TLS in plainHttp",
    },
    {
      check: "certificates",
      paths: [
        "/etc/containerd/certs.d",
        ...inUser("containers/certs.d"),
        ...inUser("docker/certs.d"),
        "/etc/containers/certs.d",
        "/etc/docker/certs.d",
      ].filter((path) => !values["registries.directories"].includes(path)),
      what: "certificates and mirrors of single registries",
      remedy: "add the directory to registries.directories",
    },
  ];
}
