import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { CriClient } from "../fixtures/daemon/index.ts";

/** A running containerd with everything of its own: socket, store, state and hosts. */
export interface Containerd extends AsyncDisposable {
  readonly directory: string;
  /** A client of its own; whoever asks for it closes it. */
  client(): CriClient;
}

const OWN_MOUNTS = [
  ...["--mount", "--propagation", "private"],
  ...["setpriv", "--pdeathsig", "KILL"],
];
/** What it says last before it answers calls of the kubelet's interface. */
const NEARLY_READY = "Start streaming server";
const NOT_READY = "server is not initialized yet";

/**
 * Starts Debian's containerd, unpacking images by mere copies, and returns when it answers.
 *
 * @param mirrors - by registry, the URL that its images are asked for at
 * @throws Error with its own words when it ends before that
 */
export async function startContainerd(
  mirrors: Readonly<Record<string, string>>,
): Promise<Containerd> {
  await using starting = new AsyncDisposableStack();
  const { path: directory } = starting.use(
    await mkdtempDisposable(join(tmpdir(), "siflet-containerd-")),
  );
  const configFile = join(directory, "config.toml");
  await writeFile(configFile, configText(directory));
  for (const [registry, url] of Object.entries(mirrors)) {
    const hosts = join(directory, "hosts", registry);
    await mkdir(hosts, { recursive: true });
    // This version takes no file without a host.
    const text = `server = ${JSON.stringify(url)}\n[host.${JSON.stringify(url)}]\n`;
    await writeFile(join(hosts, "hosts.toml"), text);
  }
  // Its mounts are seen by nobody else and go with it, and the kernel ends it should this process be killed
  // before it can.
  const child = spawn("unshare", [...OWN_MOUNTS, "containerd", "--config", configFile], {
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  starting.defer(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  await said(child, NEARLY_READY);
  const socket = socketIn(directory);
  await answered(socket);
  const running = starting.move();
  return {
    directory,
    client: () => new CriClient(socket),
    [Symbol.asyncDispose]: async () => {
      await running.disposeAsync();
    },
  };
}

function socketIn(directory: string): string {
  return join(directory, "containerd.sock");
}

function configText(directory: string): string {
  const path = (name: string): string => JSON.stringify(join(directory, name));
  const plugin = (name: string): string => `plugins."io.containerd.${name}"`;
  const cri = plugin("grpc.v1.cri");
  // What needs devices and file systems that nobody here uses.
  const disabled = ["aufs", "btrfs", "devmapper", "overlayfs", "zfs"];
  return `version = 2
root = ${path("root")}
state = ${path("state")}
disabled_plugins = ${JSON.stringify(disabled.map((name) => `io.containerd.snapshotter.v1.${name}`))}
[grpc]
address = ${JSON.stringify(socketIn(directory))}
[${plugin("internal.v1.opt")}]
path = ${path("opt")}
[${cri}.cni]
bin_dir = ${path("cni/bin")}
conf_dir = ${path("cni/conf")}
[${cri}.containerd]
snapshotter = "native"
[${cri}.registry]
config_path = ${path("hosts")}
`;
}

/** Waits for words in the log, and reads on so that the pipe never fills. */
async function said({ stderr }: ChildProcess, words: string): Promise<void> {
  if (stderr === null) throw new Error("containerd was started without a pipe");
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const lines = createInterface({ input: stderr });
  const last: string[] = [];
  lines.on("line", (line) => {
    if (line.includes(words)) resolve(undefined);
    last.push(line);
    if (last.length > 20) last.shift();
  });
  lines.once("close", () => {
    reject(new Error(`containerd ended early: ${last.join("\n")}`));
  });
  await promise;
}

/** Asks until it says no longer that it is about to be ready. */
async function answered(socket: string): Promise<void> {
  using client = new CriClient(socket);
  for (;;) {
    try {
      await client.call("RuntimeService", "version");
      return;
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes(NOT_READY)) throw error;
    }
  }
}
