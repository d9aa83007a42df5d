import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DaemonPlace, rawCall, type RunningDaemon } from "../fixtures/daemon/index.ts";

// What clients of any make and age say before their message: none of it ends the daemon, and none keeps a
// client out that means well.

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

type Header = readonly [string, string | Buffer];

const PATH = "/runtime.v1.RuntimeService/Version";

function headersOf({
  path = PATH,
  authority = "localhost",
  more = [],
}: {
  readonly path?: string | Buffer;
  readonly authority?: string | Buffer;
  readonly more?: readonly Header[];
}): readonly Header[] {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    ...(authority === "" ? [] : ([[":authority", authority]] as const)),
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ...more,
  ];
}

async function assertAnswers(): Promise<void> {
  using client = daemon.client();
  assert.deepEqual(await client.list(), []);
}

const understood: readonly { readonly name: string; readonly headers: readonly Header[] }[] = [
  ...["localhost", "%2Frun%2Fsiflet%2Fsiflet.sock", "siflet.sock", "[", "a:b:c"].map(
    (authority) => ({
      name: `the authority ${JSON.stringify(authority)}`,
      headers: headersOf({ authority }),
    }),
  ),
  {
    name: "a host that is none, and no authority",
    headers: headersOf({ authority: "", more: [["host", "%%%"]] }),
  },
  ...["120S", "1999876u", "119999999n", "2M", "1H", "5000m"].map((timeout) => ({
    name: `a deadline of ${timeout}`,
    headers: headersOf({ more: [["grpc-timeout", timeout]] }),
  })),
  {
    name: "a client of another make",
    headers: headersOf({
      more: [
        ["user-agent", "grpc-go/1.72.2"],
        ["grpc-accept-encoding", "identity,deflate,gzip,zstd"],
        ["x-bin", "AAEC"],
      ],
    }),
  },
];

describe("is answered", () => {
  for (const { name, headers } of understood) {
    test(name, async () => {
      assert.deepEqual(await rawCall(place.socket, headers), {
        errorCode: undefined,
        headers: 2,
        isEnded: true,
      });
    });
  }
});

const strange: readonly { readonly name: string; readonly headers: readonly Header[] }[] = [
  ...["//", "//[", "*", "/", "", `${PATH}?a=%`, "http://[", `/${PATH}`, `${PATH}#`].map((path) => ({
    name: `the path ${JSON.stringify(path)}`,
    headers: headersOf({ path }),
  })),
  {
    name: "a path that is no text",
    headers: headersOf({ path: Buffer.from("/\xff\xfe", "latin1") }),
  },
  ...["a/b", "/run/siflet.sock", "unix:///run/siflet.sock", "a b"].map((authority) => ({
    name: `the authority ${JSON.stringify(authority)}`,
    headers: headersOf({ authority }),
  })),
  {
    name: "an authority that is no text",
    headers: headersOf({ authority: Buffer.from("\xff\xfe", "latin1") }),
  },
  ...["traceparent", "baggage", "user-agent", "x-note", "grpc-timeout"].flatMap((name) =>
    ["\xff\xfe", "é€", "\t", ""].map((value) => ({
      name: `${name}: ${JSON.stringify(value)}`,
      headers: headersOf({ more: [[name, value === "é€" ? value : Buffer.from(value, "latin1")]] }),
    })),
  ),
  { name: "a name with a space", headers: headersOf({ more: [["a b", "c"]] }) },
  { name: "a name in capitals", headers: headersOf({ more: [["Name", "c"]] }) },
  { name: "a name of nothing", headers: headersOf({ more: [["", "c"]] }) },
  { name: "the name __proto__", headers: headersOf({ more: [["__proto__", "c"]] }) },
  { name: "a pseudo header that there is not", headers: [[":x", "y"], ...headersOf({})] },
  { name: "neither authority nor host", headers: headersOf({ authority: "" }) },
  { name: "no path", headers: headersOf({}).filter(([name]) => name !== ":path") },
  { name: "no method", headers: headersOf({}).filter(([name]) => name !== ":method") },
  { name: "two content types", headers: headersOf({ more: [["content-type", "text/plain"]] }) },
  { name: "nothing", headers: [] },
];

describe("harms nobody", () => {
  for (const { name, headers } of strange) {
    test(name, async () => {
      const answer = await rawCall(place.socket, headers);
      // Answered or ended: nobody is left waiting.
      assert.ok(answer.isEnded || answer.errorCode !== undefined, JSON.stringify(answer));
      await assertAnswers();
    });
  }
});
