import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface NginxOptions {
  /** `HOST:PORT` that it passes everything on to, by plain http. */
  readonly upstream: string;
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
  /** Path of the authority of those who may ask; everybody may where absent. */
  readonly clientAuthority?: string;
  /** Bytes a second that an answer goes out with; as fast as it can where absent. */
  readonly rate?: number;
}

/** A running server; closing stops it. */
export interface Nginx extends AsyncDisposable {
  /** `127.0.0.1:PORT`, which speaks https. */
  readonly host: string;
  close(): Promise<void>;
}

/** Another program may take a port between our asking for a free one and nginx's. */
const TRIES = 3;

/**
 * Starts Debian's nginx with TLS on a free loopback port and returns when it listens.
 *
 * @throws Error with its own words when it ends before that
 */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  for (let left = TRIES - 1; ; left--) {
    try {
      return await start(options);
    } catch (error) {
      if (left === 0 || !String(error).includes("Address already in use")) throw error;
    }
  }
}

async function start(options: NginxOptions): Promise<Nginx> {
  await using starting = new AsyncDisposableStack();
  const directory = starting.use(await mkdtempDisposable(join(tmpdir(), "siflet-nginx-")));
  const host = `127.0.0.1:${await freePort()}`;
  const configFile = join(directory.path, "nginx.conf");
  await writeFile(configFile, configText(options, host, directory.path));
  // The kernel ends the server should this process be killed before it can.
  const server = spawn(
    "setpriv",
    [
      "--pdeathsig",
      "TERM",
      "/usr/sbin/nginx",
      "-p",
      directory.path,
      "-c",
      configFile,
      "-e",
      "stderr",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const ended = once(server, "exit");
  starting.defer(async () => {
    server.kill();
    await ended;
  });
  await listening(server);
  const running = starting.move();
  const close = async (): Promise<void> => {
    await running.disposeAsync();
  };
  return { host, close, [Symbol.asyncDispose]: close };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function configText(options: NginxOptions, host: string, directory: string): string {
  const { upstream, certificate, key, clientAuthority, rate } = options;
  const limit = rate === undefined ? "" : `limit_rate ${rate};`;
  const client =
    clientAuthority === undefined
      ? ""
      : `ssl_client_certificate ${clientAuthority}; ssl_verify_client on;`;
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${directory}/${name};`,
  );
  return `
daemon off; master_process off; pid ${directory}/pid; error_log stderr notice;
events {}
http {
  access_log off; client_max_body_size 0; ${places.join(" ")}
  server {
    listen ${host} ssl;
    ssl_certificate ${certificate}; ssl_certificate_key ${key}; ${client}
    location / {
      proxy_pass http://${upstream}; proxy_http_version 1.1; ${limit}
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https;
    }
  }
}
`;
}

/** Waits for the notice that follows its listening, and reads on so that the pipe never fills. */
async function listening(server: ChildProcess): Promise<void> {
  if (server.stderr === null) throw new Error("nginx was started without a pipe");
  const lines = createInterface({ input: server.stderr });
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    lines.on("line", (line) => {
      if (/\[notice\].*nginx\/\d/.test(line)) resolve();
      said.push(line);
      if (said.length > 20) said.shift();
    });
    server.once("error", reject);
    lines.once("close", () => {
      reject(new Error(`nginx ended early: ${said.join("\n")}`));
    });
  });
}
