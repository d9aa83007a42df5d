import { join } from "node:path";
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
 * What other programs are told about registries and siflet does not read. Whether a file is there
 * is all that is looked at: some hold passwords.
 *
 * @param home - the user's home directory; absent for a process without one
 */
export async function checkRegistries(host: Host, home: string | undefined): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const kind of unreadKinds(host, home)) {
    const paths = await presentOf(host, kind.paths);
    if (paths.length > 0) findings.push(unreadFinding(kind, paths));
  }
  const { DOCKER_AUTH_CONFIG: login } = host.variables;
  if (login !== undefined && login !== "") {
    findings.push({
      topic: "registries",
      check: "login-variable",
      status: "note",
      text: "$DOCKER_AUTH_CONFIG is not used: pulls are anonymous",
      remedy: LOGIN_REMEDY,
    });
  }
  const proxies = proxyVariables(host);
  if (proxies.length > 0) {
    findings.push({
      topic: "registries",
      check: "proxy",
      status: "ok",
      text: `proxies are those of ${proxies.map((name) => `$${name}`).join(", ")}`,
    });
  }
  if (findings.length > 0) return findings;
  const text = "no configuration of other programs for registries that siflet would not follow";
  return [{ topic: "registries", check: "unread", status: "ok", text }];
}

const LOGIN_REMEDY = "use images that may be pulled anonymously";

function unreadFinding({ check, what, remedy }: UnreadKind, paths: readonly string[]): Finding {
  const text = `not read: ${paths.join(", ")} (${what})`;
  return { topic: "registries", check, status: "note", text, remedy, facts: { paths } };
}

function unreadKinds({ variables, userId }: Host, home: string | undefined): UnreadKind[] {
  const inHome = (path: string): string[] => (home === undefined ? [] : [join(home, path)]);
  const named = (variable: string, file = ""): string[] => {
    const path = variables[variable] ?? "";
    return path === "" ? [] : [join(path, file)];
  };
  const runtime = variables["XDG_RUNTIME_DIR"] ?? `/run/containers/${userId}`;
  const user = named("XDG_CONFIG_HOME").at(0) ?? inHome(".config").at(0);
  const inUser = (path: string): string[] => (user === undefined ? [] : [join(user, path)]);
  return [
    {
      check: "logins",
      paths: [
        ...named("REGISTRY_AUTH_FILE"),
        join(runtime, "containers/auth.json"),
        ...inUser("containers/auth.json"),
        ...named("DOCKER_CONFIG", "config.json"),
        ...inHome(".docker/config.json"),
        ...inHome(".singularity/docker-config.json"),
        ...inHome(".apptainer/docker-config.json"),
      ],
      what: "logins: pulls are anonymous",
      remedy: LOGIN_REMEDY,
    },
    {
      check: "mirrors",
      paths: [
        ...inUser("containers/registries.conf"),
        "/etc/containers/registries.conf",
        "/etc/containers/registries.conf.d",
        "/etc/docker/daemon.json",
      ],
      what: "mirrors, short names, registries without TLS",
      remedy: "name the mirror in the reference; put registries without TLS in plainHttp",
    },
    {
      check: "certificates",
      paths: [
        ...inUser("containers/certs.d"),
        ...inUser("docker/certs.d"),
        "/etc/containers/certs.d",
        "/etc/docker/certs.d",
        "/etc/containerd/certs.d",
      ],
      what: "certificates and mirrors of single registries",
      remedy: "for an authority of your own set NODE_EXTRA_CA_CERTS to its file",
    },
  ];
}

function proxyVariables({ variables }: Host): string[] {
  return ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"].filter(
    (name) => (variables[name] ?? "") !== "",
  );
}
