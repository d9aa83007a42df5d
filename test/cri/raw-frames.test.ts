import assert from "node:assert/strict";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { status as codes } from "@grpc/grpc-js";
import { DaemonPlace, type RunningDaemon } from "../fixtures/daemon/index.ts";

// What no client of the interface would send: bytes written by hand on the daemon's socket.

let place: DaemonPlace;
let daemon: RunningDaemon;

before(async () => {
  place = await DaemonPlace.make();
  await place.configure();
  daemon = await place.start();
});

after(async () => {
  await place[Symbol.asyncDispose]();
});

const STATUS = "/runtime.v1.ImageService/ImageStatus";

interface Answer {
  readonly httpStatus: number;
  readonly code: number | undefined;
  readonly message: string;
}

interface Sent {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Whether the request goes on after that. */
  readonly isOpen?: boolean;
}

function session(): ClientHttp2Session {
  const opened = connectHttp2("http://localhost", {
    createConnection: () => connect({ path: place.socket }),
  });
  // A connection that the server ends is an answer, too.
  opened.on("error", () => undefined);
  return opened;
}

async function send({ path = STATUS, headers = {}, body, isOpen = false }: Sent): Promise<Answer> {
  const opened = session();
  const stream = opened.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  const { promise, resolve } = Promise.withResolvers<Answer>();
  let httpStatus = 0;
  let code: number | undefined;
  let message = "";
  const read = (told: Readonly<Record<string, unknown>>): void => {
    if (told["grpc-status"] === undefined) return;
    code = Number(told["grpc-status"]);
    const text = told["grpc-message"];
    message = typeof text === "string" ? decodeURIComponent(text) : "";
  };
  stream.on("response", (told) => {
    httpStatus = Number(told[":status"]);
    read(told);
  });
  stream.on("trailers", read);
  stream.on("error", () => undefined);
  stream.resume();
  stream.on("close", () => {
    resolve({ httpStatus, code, message });
  });
  stream.write(body);
  if (!isOpen) stream.end();
  try {
    return await promise;
  } finally {
    opened.destroy();
  }
}

/** One message with its head. */
function frame(hex: string, flag = 0): Buffer {
  const message = Buffer.from(hex.replaceAll(" ", ""), "hex");
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

const frames: readonly (Sent & { readonly name: string; readonly code: number })[] = [
  { name: "text that is not UTF-8", body: frame("0a03 0a01ff"), code: codes.INTERNAL },
  { name: "a wire type that there is not", body: frame("0f0f0f"), code: codes.INTERNAL },
  { name: "a field that ends after the message", body: frame("0a05 0a0178"), code: codes.INTERNAL },
  {
    name: "a message that says it is larger than 16 MiB, before it comes",
    body: Buffer.from("00ffffffff00", "hex"),
    isOpen: true,
    code: codes.RESOURCE_EXHAUSTED,
  },
  {
    name: "a message of which a part is missing",
    body: Buffer.from("000000000a0a", "hex"),
    code: codes.INVALID_ARGUMENT,
  },
  { name: "no message", body: Buffer.alloc(0), code: codes.UNIMPLEMENTED },
  {
    name: "two messages",
    body: Buffer.concat([frame(""), frame("")]),
    code: codes.UNIMPLEMENTED,
  },
  {
    name: "a compressed message",
    body: frame("", 1),
    headers: { "grpc-encoding": "gzip" },
    code: codes.UNIMPLEMENTED,
  },
  {
    name: "a deadline that is no time",
    body: frame(""),
    headers: { "grpc-timeout": "soon" },
    code: codes.INVALID_ARGUMENT,
  },
  {
    name: "a service that there is not",
    path: "/runtime.v1alpha2.ImageService/ListImages",
    body: frame(""),
    code: codes.UNIMPLEMENTED,
  },
  { name: "a path that is none", path: "/../../etc", body: frame(""), code: codes.UNIMPLEMENTED },
];

describe("on the wire", () => {
  for (const { name, code, ...sent } of frames) {
    test(`${name} is ${codes[code]}`, async () => {
      const answer = await send(sent);
      assert.equal(answer.httpStatus, 200);
      assert.equal(answer.code, code, answer.message);
    });
  }

  test("fields that nobody knows are passed over", async () => {
    // Field 1000, and a name after it.
    const answer = await send({ body: frame("c23e 03 616263 0a03 0a0178") });
    assert.equal(answer.code, codes.OK);
  });

  test("what is no gRPC is not answered as such", async () => {
    const types = ["application/json", "application/connect+proto", "application/grpc-web+proto"];
    for (const type of types) {
      const answer = await send({ body: frame(""), headers: { "content-type": type } });
      assert.notEqual(answer.code, codes.OK, type);
    }
  });

  test("a client that leaves in the middle of a message harms nobody", async () => {
    const opened = session();
    const stream = opened.request({
      ":method": "POST",
      ":path": STATUS,
      "content-type": "application/grpc",
    });
    stream.on("error", () => undefined);
    stream.write(Buffer.from("0000000fff0a", "hex"));
    await new Promise((resolve) => opened.ping(resolve));
    opened.destroy();
    using client = daemon.client();
    assert.equal((await client.fsInfo()).imageFilesystems.length, 1);
  });

  test("bytes that are no HTTP/2 end their connection and nothing else", async () => {
    const socket = connect({ path: place.socket });
    socket.on("error", () => undefined);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    socket.resume();
    await new Promise((resolve) => socket.on("close", resolve));
    using client = daemon.client();
    assert.deepEqual(await client.list(), []);
  });
});

test("a thousand idle connections are not all kept, and calls go on", async () => {
  const sockets: Socket[] = [];
  let closed = 0;
  using early = daemon.client();
  await early.list();
  for (let count = 0; count < 1000; count += 1) {
    const socket = connect({ path: place.socket });
    socket.on("error", () => undefined);
    socket.on("close", () => (closed += 1));
    socket.resume();
    sockets.push(socket);
    await new Promise((resolve) => {
      socket.on("connect", resolve);
      socket.on("close", resolve);
    });
  }
  using client = daemon.client();
  while (1000 - closed > 512) await client.fsInfo();
  // One that was there before them opens another connection where its own was closed.
  assert.deepEqual(await early.list(), []);
  for (const socket of sockets) socket.destroy();
});
