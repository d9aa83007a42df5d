import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A running registry with storage of its own; closing stops it and deletes what it stored. */
export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`, which speaks plain HTTP. */
  readonly host: string;
  close(): Promise<void>;
}

export interface DockerRegistryOptions {
  /** Lines of an htpasswd file (bcrypt alone); lets in only who is in it. Absent: everybody. */
  readonly htpasswd?: string;
  /** Lets in who brings a token that `startTokenIssuer`'s service signed. Absent: everybody. */
  readonly token?: TokenTrust;
  /** URL of the registry that it is to be a cache of. */
  readonly mirrored?: string;
}

/** The registry's own names of what it asks of a token. */
export interface TokenTrust {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** Path of the PEM certificate that signs tokens. */
  readonly rootcertbundle: string;
}

/**
 * Starts Debian's docker-registry on a free loopback port and returns when it answers.
 *
 * @throws Error with the registry's own words when it ends before that
 */
export async function startDockerRegistry({
  htpasswd,
  token,
  mirrored,
}: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  await using starting = new AsyncDisposableStack();
  const directory = starting.use(await mkdtempDisposable(join(tmpdir(), "siflet-registry-")));
  const configFile = join(directory.path, "config.yml");
  const users = join(directory.path, "htpasswd");
  if (htpasswd !== undefined) await writeFile(users, htpasswd);
  const auth =
    htpasswd !== undefined
      ? { auth: { htpasswd: { realm: "test", path: users } } }
      : token !== undefined
        ? { auth: { token } }
        : {};
  const proxy = mirrored === undefined ? {} : { proxy: { remoteurl: mirrored } };
  const more = { ...auth, ...proxy };
  await writeFile(configFile, configText(join(directory.path, "storage"), more));
  // The kernel ends the registry should this process be killed before it can.
  const registry = spawn(
    "setpriv",
    ["--pdeathsig", "TERM", "docker-registry", "serve", configFile],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const ended = once(registry, "exit");
  starting.defer(async () => {
    registry.kill();
    await ended;
  });
  const host = await listeningAddress(registry);
  const answer = await fetch(`http://${host}/v2/`);
  if (!answer.ok && answer.status !== 401)
    throw new Error(`docker-registry at ${host} answered ${answer.status} to /v2/`);
  const running = starting.move();
  const close = async (): Promise<void> => {
    await running.disposeAsync();
  };
  return { host, close, [Symbol.asyncDispose]: close };
}

/** JSON, which is YAML too, so that no path needs quoting. */
function configText(storage: string, more: object): string {
  return JSON.stringify({
    version: "0.1",
    log: { level: "info", formatter: "json", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
    http: { addr: "127.0.0.1:0" },
    ...more,
  });
}

/** Waits for the line that names the port, and reads on so that the pipe never fills. */
async function listeningAddress(registry: ChildProcess): Promise<string> {
  if (registry.stderr === null) throw new Error("docker-registry was started without a pipe");
  const lines = createInterface({ input: registry.stderr });
  const said: string[] = [];
  return await new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      const address = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
      said.push(line);
      if (said.length > 20) said.shift();
    });
    registry.once("error", reject);
    lines.once("close", () => {
      reject(new Error(`docker-registry ended early: ${said.join("\n")}`));
    });
  });
}
