import { connect, createServer, type AddressInfo } from "node:net";
import { once } from "node:events";

/** A way to a server on loopback that counts what comes back from it. */
export interface CountingProxy extends AsyncDisposable {
  readonly host: string;
  /** Bytes since the last call. */
  take(): number;
}

export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const [host = "", port = ""] = target.split(":");
  let bytes = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    upstream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    client.pipe(upstream).pipe(client);
    // An end is passed on by `pipe`, behind the last byte; only a break ends the other side at once.
    client.on("error", () => upstream.destroy());
    client.on("close", () => upstream.destroy());
    upstream.on("error", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${address.port}`,
    take() {
      const taken = bytes;
      bytes = 0;
      return taken;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      await Promise.resolve();
    },
  };
}
