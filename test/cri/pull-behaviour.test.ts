import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { status as codes } from "@grpc/grpc-js";
import {
  DaemonPlace,
  type CriClient,
  type PullWish,
  type RunningDaemon,
} from "../fixtures/daemon/index.ts";
import {
  basic,
  makeImage,
  startRegistry,
  startTokenServer,
  type FakeRegistry,
} from "../fixtures/registry/index.ts";
import { imageOf, ServedRegistry } from "./served-registry.ts";

// What the daemon promises of a pull, beyond the conformance tests: cri.md §2 and §3.1, column "ours".

let served: ServedRegistry;
let registry: FakeRegistry;
let place: DaemonPlace;
let daemon: RunningDaemon;
let client: CriClient;

before(async () => {
  served = await ServedRegistry.start();
  ({ registry, place, daemon, client } = served);
});

after(async () => {
  await served[Symbol.asyncDispose]();
});

describe("credentials of a request", () => {
  const SECRET = "s3cr3t-passw0rd";
  const forms: readonly {
    readonly name: string;
    readonly auth: object;
    readonly works: boolean;
  }[] = [
    { name: "user and password", auth: { username: "bob", password: SECRET }, works: true },
    {
      name: "auth",
      auth: { auth: Buffer.from(`bob:${SECRET}`).toString("base64") },
      works: true,
    },
    { name: "a refresh token", auth: { identityToken: `refresh-${SECRET}` }, works: true },
    { name: "a ready token", auth: { registryToken: `ready-${SECRET}` }, works: true },
    { name: "a wrong password", auth: { username: "bob", password: "wrong" }, works: false },
    { name: "a wrong ready token", auth: { registryToken: "wrong" }, works: false },
    { name: "none", auth: {}, works: false },
  ];

  for (const { name, auth, works } of forms) {
    test(`${name}: ${works ? "accepted" : "refused"}, and for an image that is there as well`, async () => {
      await using guarded = await startRegistry();
      await using tokens = await startTokenServer();
      tokens.admits = new Set([basic("bob", SECRET)]);
      tokens.refreshTokens = new Set([`refresh-${SECRET}`]);
      guarded.guardWith({
        challenge: (repository) => tokens.challenge(repository),
        allows: (given, repository) =>
          given === `Bearer ready-${SECRET}` || tokens.allows(given, repository),
      });
      const image = served.put("team/app", imageOf(name), guarded);
      const pull = async (): Promise<string> => await client.pull(image, { auth });
      const forgetRequests = (): void => {
        guarded.requests.length = 0;
        tokens.requests.length = 0;
      };
      const right = { auth: { username: "bob", password: SECRET } };
      if (works) {
        const id = await pull();
        forgetRequests();
        assert.equal(await pull(), id);
      } else {
        await assert.rejects(pull(), { code: codes.UNAUTHENTICATED });
        assert.equal(await client.status(image), null);
        await client.pull(image, right);
        forgetRequests();
        await assert.rejects(pull(), { code: codes.UNAUTHENTICATED });
      }
      // The registry or its token service was asked, and no blob went over the wire.
      assert.ok(guarded.paths("HEAD").length > 0 || tokens.requests.length > 0);
      assert.deepEqual(
        guarded.requests.filter(({ path }) => path.includes("/blobs/")),
        [],
      );
    });
  }

  test("no credential is in the log", async () => {
    const name = served.put("logged");
    await client.pull(name, { auth: { username: "bob", password: SECRET } });
    await assert.rejects(client.pull(name, { auth: { username: "bob" } }), {
      code: codes.INVALID_ARGUMENT,
    });
    await daemon.said(/the caller: .*/);
    assert.equal(daemon.log.join("\n").includes(SECRET), false);
  });

  test("a mirror is not shown them", async () => {
    await using mirror = await startRegistry();
    mirror.guardWith({
      challenge: () => 'Basic realm="mirror"',
      allows: (given) => given !== undefined,
    });
    served.put("mirrored", imageOf("mirrored"), mirror);
    await place.mirror("mirrored.example", mirror.url);
    const right = { auth: { username: "bob", password: SECRET } };
    await assert.rejects(client.pull("mirrored.example/mirrored:1", right), {
      code: codes.UNAUTHENTICATED,
    });
    assert.ok(mirror.requests.length > 0);
    assert.ok(mirror.requests.every(({ headers }) => headers.authorization === undefined));
  });

  test("a mirror that the configuration names is shown them", async (t) => {
    await using mirror = await startRegistry();
    mirror.guardWith({
      challenge: () => 'Basic realm="mirror"',
      allows: (given) => given === basic("bob", SECRET),
    });
    served.put("mirrored", imageOf("mirrored"), mirror);
    const node = await DaemonPlace.make();
    t.after(() => node[Symbol.asyncDispose]());
    await node.configure(`mirrorLogins: {mirrored.example: ["${mirror.host}"]}`);
    for (const name of ["mirrored.example", "other.example"]) await node.mirror(name, mirror.url);
    using other = (await node.start()).client();
    const right = { auth: { username: "bob", password: SECRET } };
    await other.pull("mirrored.example/mirrored:1", right);
    await assert.rejects(other.pull("other.example/mirrored:1", right), {
      code: codes.UNAUTHENTICATED,
    });
  });

  test("those of another registry are not used", async () => {
    const name = served.put("others");
    const auth = { username: "bob", password: SECRET, serverAddress: "https://other.example" };
    registry.requests.length = 0;
    await client.pull(name, { auth });
    assert.ok(registry.requests.every(({ headers }) => headers.authorization === undefined));
  });
});

interface Failure {
  readonly name: string;
  readonly reference: () => string;
  readonly wish?: PullWish;
  readonly code: number;
  readonly message: RegExp;
}

const failures: readonly Failure[] = [
  {
    name: "no name",
    reference: () => "",
    code: codes.INVALID_ARGUMENT,
    message: /^image: expected a name or an id/,
  },
  {
    name: "a name in upper case",
    reference: () => "Registry.example/App:1",
    code: codes.INVALID_ARGUMENT,
    message: /lower case/,
  },
  {
    name: "an archive of the host",
    reference: () => "oci-archive:/etc/hosts",
    code: codes.INVALID_ARGUMENT,
    message: /oci-archive/,
  },
  {
    name: "a path of the host",
    reference: () => "/etc/hosts",
    code: codes.INVALID_ARGUMENT,
    message: /./,
  },
  {
    name: "a file of the host that nobody allowed",
    reference: () => "local.file/etc/hosts:latest",
    code: codes.PERMISSION_DENIED,
    message: /^\/etc\/hosts: expected a file that the configuration allows$/,
  },
  {
    name: "one that is not even there",
    reference: () => "local.file/etc/absent:latest",
    code: codes.PERMISSION_DENIED,
    message: /^\/etc\/absent: expected a file that the configuration allows$/,
  },
  {
    name: "a runtime handler that there is not",
    reference: () => served.put("handled"),
    wish: { runtimeHandler: "kata" },
    code: codes.INVALID_ARGUMENT,
    message: /^runtime handler "kata": expected one of those that are configured \(gvisor\)$/,
  },
  {
    name: "a runtime handler that is longer than any answer",
    reference: () => served.put("handled"),
    wish: { runtimeHandler: "k".repeat(1_000_000) },
    code: codes.INVALID_ARGUMENT,
    message: /^runtime handler "kkk/,
  },
  {
    name: "a name that is longer than any answer",
    reference: () => `registry.example/${"n".repeat(1_000_000)}`,
    code: codes.INVALID_ARGUMENT,
    message: /^image name "registry\.example/,
  },
  {
    name: "a name with control characters",
    reference: () => "registry.example/a\u0000\u001b[2J\nb:1",
    code: codes.INVALID_ARGUMENT,
    message: /^[^\p{Cc}]+$/u,
  },
  {
    name: "an image that is not there",
    reference: () => `${registry.host}/absent:1`,
    code: codes.NOT_FOUND,
    message: /absent:1: not found in the registry/,
  },
  {
    name: "a registry that nobody answers at",
    reference: () => "127.0.0.1:1/app:1",
    code: codes.UNKNOWN,
    message: /^RegistryUnavailable: .*connection refused/,
  },
  {
    name: "a registry that fails",
    reference: () => {
      const name = served.put("failing");
      registry.addFault("/v2/failing/manifests/1", { status: 503 });
      return name;
    },
    code: codes.UNKNOWN,
    message: /^RegistryUnavailable: .*503/,
  },
  {
    name: "a blob of other bytes",
    reference: () => {
      const image = imageOf("spoilt");
      const [layer] = image.layers;
      registry.addFault(`/v2/spoilt/blobs/${layer?.digest ?? ""}`, {
        bytes: Buffer.alloc(layer?.size ?? 0),
      });
      return served.put("spoilt", image);
    },
    code: codes.DATA_LOSS,
    message: /sha256:/,
  },
  {
    name: "an image that asks for more than a limit allows",
    reference: () =>
      served.put(
        "long",
        makeImage({ layers: [], manifestDocument: { annotations: { a: "x".repeat(5e6) } } }),
      ),
    code: codes.RESOURCE_EXHAUSTED,
    message: /manifestBytes/,
  },
  {
    name: "an image of an old kind",
    reference: () => {
      const old = { schemaVersion: 1, name: "old", tag: "1", fsLayers: [], history: [] };
      const type = "application/vnd.docker.distribution.manifest.v1+json";
      registry.putManifest("old", Buffer.from(JSON.stringify(old)), type, "1");
      return `${registry.host}/old:1`;
    },
    code: codes.FAILED_PRECONDITION,
    message: /schema/i,
  },
];

describe("a pull that fails", () => {
  for (const { name, reference, wish, code, message } of failures) {
    test(`${name}: ${codes[code]}, and twice the same text`, async () => {
      const text = reference();
      const fail = async (): Promise<string> => {
        const failed: unknown = await client.pull(text, wish).catch((error: unknown) => error);
        assert.ok(
          failed instanceof Error && "code" in failed && "details" in failed,
          String(failed),
        );
        assert.equal(failed.code, code);
        return String(failed.details);
      };
      const details = await fail();
      assert.match(details, message);
      assert.equal(await fail(), details);
      if (text !== "") assert.equal(await client.status(text), null);
    });
  }
});

describe("a pull that is called off", () => {
  test("goes on for whoever else waits, and their id is the same", async () => {
    const image = imageOf("shared");
    const name = served.put("shared", image);
    const { promise: held, resolve: release } = Promise.withResolvers<undefined>();
    const blob = `/v2/shared/blobs/${image.layers[0]?.digest ?? ""}`;
    registry.addFault(blob, { hold: held.then(() => undefined), times: 1, method: "GET" });
    const leaving = new AbortController();
    const first = client.pull(name, {}, { signal: leaving.signal });
    const others = [client.pull(name), client.pull(name)];
    await asked(blob);
    leaving.abort();
    await assert.rejects(first, { code: codes.CANCELLED });
    release(undefined);
    const ids = await Promise.all(others);
    assert.equal(ids[0], ids[1]);
    assert.equal((await client.status(name))?.id, ids[0]);
    assert.equal(registry.paths("GET").filter((path) => path === blob).length, 1);
  });

  test("stops when the last one leaves, and publishes nothing", async () => {
    await using slow = await startRegistry();
    const image = imageOf("abandoned");
    const name = served.put("abandoned", image, slow);
    slow.addFault(`/v2/abandoned/blobs/${image.layers[0]?.digest ?? ""}`, { stallAt: 10 });
    const leaving = [new AbortController(), new AbortController()];
    const pulls = leaving.map(({ signal }) => client.pull(name, {}, { signal }));
    await blobAsked(slow);
    for (const each of leaving) each.abort();
    for (const pull of pulls) await assert.rejects(pull, { code: codes.CANCELLED });
    // The daemon itself lets go of the registry: a pull that went on would hold its connection.
    await slow.connectionsAtMost(0);
    assert.equal(await client.status(name), null);
    const blobs = slow.paths("GET").filter((path) => path.includes("/blobs/")).length;
    slow.requests.length = 0;
    assert.ok(blobs > 0);
  });

  /** Waits until the path was asked for. */
  async function asked(path: string): Promise<void> {
    while (!registry.paths("GET").includes(path)) await client.fsInfo();
  }

  async function blobAsked(slow: FakeRegistry): Promise<void> {
    while (!slow.paths("GET").some((path) => path.includes("/blobs/"))) await client.fsInfo();
  }
});

test("a request as the kubelet makes it is understood whole", async () => {
  const name = served.put("kubelet");
  const sandboxConfig = {
    metadata: { name: "pod", uid: "u", namespace: "default", attempt: 3 },
    hostname: "node",
    logDirectory: "/var/log",
    dnsConfig: { servers: ["10.0.0.1"] },
    portMappings: [{ containerPort: 80 }],
    labels: { app: "x" },
    annotations: { note: "é" },
    linux: { cgroupParent: "/kubepods", sysctls: { "net.ipv4.ip_forward": "1" } },
  };
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const metadata = { traceparent, baggage: "k=v" };
  const id = await client.pull(name, { sandboxConfig, annotations: { a: "b" } }, { metadata });
  assert.deepEqual((await client.status(id))?.repoTags, [name]);
  await assert.rejects(client.pull("Bad Name", {}, { metadata }));
  await daemon.said(new RegExp(`traceparent=${traceparent}`));
});

test("nothing is left behind in the store by whatever failed", async () => {
  assert.deepEqual(await readdir(join(place.store, "tmp")), []);
});
