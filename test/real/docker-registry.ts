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

/**
 * Starts Debian's docker-registry on a free loopback port and returns when it answers.
 *
 * @throws Error with the registry's own words when it ends before that
 */
export async function startDockerRegistry(): Promise<DockerRegistry> {
  await using starting = new AsyncDisposableStack();
  const directory = starting.use(await mkdtempDisposable(join(tmpdir(), "siflet-registry-")));
  const configFile = join(directory.path, "config.yml");
  await writeFile(configFile, configText(join(directory.path, "storage")));
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
  if (!answer.ok) throw new Error(`docker-registry at ${host} answered ${answer.status} to /v2/`);
  const running = starting.move();
  const close = async (): Promise<void> => {
    await running.disposeAsync();
  };
  return { host, close, [Symbol.asyncDispose]: close };
}

/** JSON, which is YAML too, so that no path needs quoting. */
function configText(storage: string): string {
  return JSON.stringify({
    version: "0.1",
    log: { level: "info", formatter: "json", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
    http: { addr: "127.0.0.1:0" },
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
