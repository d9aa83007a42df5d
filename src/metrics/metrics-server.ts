import { chmod, lstat, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { boundPrivately, isAnswered, isErrno } from "../base/index.ts";

/** Where a server of metrics listens: of this host alone. */
export type MetricsPlace =
  | { readonly kind: "loopback"; readonly host: string; readonly port: number }
  /** Of a unix socket, for its owner and group. */
  | { readonly kind: "path"; readonly path: string };

/** What a server of metrics shows. */
export interface MetricsSource {
  readonly contentType: string;
  text(): Promise<string>;
  /** Why the daemon cannot be used now; undefined: it can. */
  notReady(): Promise<string | undefined>;
}

/** A scrape is one request; nobody has reason to hold many connections. */
const MAX_CONNECTIONS = 64;
const REQUEST_TIMEOUT_MS = 10_000;
const HEADERS_MAX_BYTES = 8 * 1024;

/**
 * Serves `/metrics`, `/healthz` (the process answers) and `/readyz` (images can be served) until it is
 * disposed of.
 *
 * @param onFault - takes what goes wrong in an answer
 * @throws errors of the system where it cannot listen
 */
export async function serveMetrics(
  place: MetricsPlace,
  source: MetricsSource,
  onFault: (error: unknown) => void,
): Promise<AsyncDisposable & { readonly port: number | undefined }> {
  const server = createServer(
    { maxHeaderSize: HEADERS_MAX_BYTES, requestTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      answer(request, response, source).catch((error: unknown) => {
        onFault(error);
        if (!response.headersSent) send(response, 500, "it cannot be measured now");
        else response.destroy();
      });
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  if (place.kind === "path") await removeStale(place.path);
  await listenAt(server, place);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : undefined,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  { method, url = "" }: IncomingMessage,
  response: ServerResponse,
  source: MetricsSource,
): Promise<void> {
  if (method !== "GET" && method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    send(response, 405, "expected GET");
    return;
  }
  switch (url.split("?", 1)[0]) {
    case "/metrics":
      send(response, 200, await source.text(), source.contentType);
      return;
    case "/healthz":
      send(response, 200, "ok");
      return;
    case "/readyz": {
      const reason = await source.notReady();
      send(response, reason === undefined ? 200 : 503, reason ?? "ok");
      return;
    }
    default:
      send(response, 404, "expected /metrics, /healthz or /readyz");
  }
}

function send(response: ServerResponse, status: number, text: string, type = "text/plain"): void {
  const body = text.endsWith("\n") ? text : `${text}\n`;
  response.writeHead(status, {
    "content-type": type.includes("charset") ? type : `${type}; charset=utf-8`,
    "content-length": Buffer.byteLength(body),
    "x-content-type-options": "nosniff",
  });
  response.end(body);
}

/** A socket that a daemon left which was killed; where one answers, to listen fails. */
async function removeStale(path: string): Promise<void> {
  try {
    if ((await lstat(path)).isSocket() && !(await isAnswered(path))) await rm(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}

async function listenAt(server: Server, place: MetricsPlace): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once("error", reject);
  const listening = (): void => {
    server.off("error", reject);
    resolve(undefined);
  };
  if (place.kind === "path") boundPrivately(() => server.listen({ path: place.path }, listening));
  else server.listen({ host: place.host, port: place.port }, listening);
  await promise;
  if (place.kind === "path") await chmod(place.path, 0o660);
}
