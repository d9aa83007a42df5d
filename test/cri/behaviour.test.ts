import assert from "node:assert/strict";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { status as codes } from "@grpc/grpc-js";
import {
  DaemonPlace,
  type ClientImage,
  type CriClient,
  type PullWish,
  type RunningDaemon,
} from "../fixtures/daemon/index.ts";
import {
  basic,
  makeImage,
  makeIndex,
  startRegistry,
  startTokenServer,
  type FakeRegistry,
  type FixtureImage,
} from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { noiseBytes } from "../real/generated-bytes.ts";

// What the daemon promises beyond the conformance tests: cri.md §2 and §3.1, column "ours". Each test has
// repositories and images of its own; one daemon serves them all.

let registry: FakeRegistry;
let place: DaemonPlace;
let daemon: RunningDaemon;
let client: CriClient;

before(async () => {
  registry = await startRegistry();
  place = await DaemonPlace.make();
  await place.configure('pins: ["*/pinned:1"]\ndaemon:\n  runtimeHandlers: [gvisor]');
  daemon = await place.start();
  client = daemon.client();
});

after(async () => {
  client[Symbol.dispose]();
  await place[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

function imageOf(content: string): FixtureImage {
  return makeImage({ layers: [tar([{ path: "content", data: content }])] });
}

/** Puts an image into the registry; its name there. */
function put(repository: string, image = imageOf(repository), at = registry): string {
  at.putImage(repository, image, "1");
  return `${at.host}/${repository}:1`;
}

/** Whether a list has the image. */
async function isListed(id: string): Promise<boolean> {
  return (await client.list()).some((image) => image.id === id);
}

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
      const image = put("team/app", imageOf(name), guarded);
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
    const name = put("logged");
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
    put("mirrored", imageOf("mirrored"), mirror);
    await place.mirror("mirrored.example", mirror.url);
    const right = { auth: { username: "bob", password: SECRET } };
    await assert.rejects(client.pull("mirrored.example/mirrored:1", right), {
      code: codes.UNAUTHENTICATED,
    });
    assert.ok(mirror.requests.length > 0);
    assert.ok(mirror.requests.every(({ headers }) => headers.authorization === undefined));
  });

  test("those of another registry are not used", async () => {
    const name = put("others");
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
    reference: () => put("handled"),
    wish: { runtimeHandler: "kata" },
    code: codes.INVALID_ARGUMENT,
    message: /^runtime handler "kata": expected one of those that are configured \(gvisor\)$/,
  },
  {
    name: "a runtime handler that is longer than any answer",
    reference: () => put("handled"),
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
      const name = put("failing");
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
      return put("spoilt", image);
    },
    code: codes.DATA_LOSS,
    message: /sha256:/,
  },
  {
    name: "an image that asks for more than a limit allows",
    reference: () =>
      put(
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
    const name = put("shared", image);
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
    const name = put("abandoned", image, slow);
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

describe("an image that is there", () => {
  test("has one digest, that of the index that its tag means", async () => {
    const entries = ["amd64", "arm64"].map((architecture) => {
      const platform = { os: "linux", architecture };
      const layers = [tar([{ path: "a", data: architecture }])];
      return { image: makeImage({ layers, platform }), platform };
    });
    const index = makeIndex(entries);
    registry.putIndex("multi", index, "1");
    const name = `${registry.host}/multi:1`;
    await client.pull(name);
    const image = await client.status(name);
    assert.deepEqual(image?.repoTags, [name]);
    assert.deepEqual(image.repoDigests, [`${registry.host}/multi@${index.descriptor.digest}`]);
  });

  test("is found by every spelling of its name and the beginning of its id, and by nothing else", async () => {
    const name = put("spelled");
    const id = await client.pull(name);
    const digest = (await client.status(name))?.repoDigests[0] ?? "";
    const spellings = [name, `docker://${name}`, digest, `${name}@${digest.split("@")[1] ?? ""}`];
    for (const text of [...spellings, id, id.slice(0, 12), `sha256:${id}`]) {
      assert.equal((await client.status(text))?.id, id, text);
      assert.deepEqual(
        (await client.list(text)).map((image) => image.id),
        [id],
        text,
      );
      assert.deepEqual(
        (await client.stream(text)).flat().map((image) => image.id),
        [id],
        text,
      );
    }
    for (const text of [id.slice(0, 2), `${name}2`, name.slice(0, -3), "../etc", "\u0000", "🙂"]) {
      assert.equal(await client.status(text), null, text);
      assert.deepEqual(await client.list(text), [], text);
      assert.deepEqual(await client.stream(text), [], text);
    }
  });

  test("is the same in a list, in a stream and alone", async () => {
    const id = await client.pull(put("equal"));
    const image = await client.status(id);
    const listed = (await client.list()).find((each) => each.id === id);
    const streamed = (await client.stream()).flat().find((each) => each.id === id);
    assert.deepEqual(listed, image);
    assert.deepEqual(streamed, image);
    assert.deepEqual(await client.list(), (await client.stream()).flat());
    assert.deepEqual(await client.list(""), await client.list());
  });

  test("has the size that its file takes up, and is told in full to who asks for it", async () => {
    const name = put("told");
    const id = await client.pull(name);
    const { info } = await client.info(name);
    const told = info as {
      sif: { path: string; partition: { offset: number; size: number; compressor: string } };
      source: { manifestDigest: string };
      imageSpec: { architecture: string };
    };
    assert.equal(told.sif.path, join(place.store, `images/${id}.sif`));
    const { blocks, size } = await stat(told.sif.path);
    assert.equal((await client.status(id))?.size, String(blocks * 512));
    const { partition } = told.sif;
    assert.equal(partition.compressor, "gzip");
    assert.ok(partition.offset > 0 && partition.offset + partition.size <= size);
    assert.match(told.source.manifestDigest, /^sha256:/);
    assert.equal(told.imageSpec.architecture, "amd64");
  });

  test("keeps its id when its tag moves, and stays until it is removed", async () => {
    const name = put("moving", imageOf("before"));
    const old = await client.pull(name);
    put("moving", imageOf("after"));
    const next = await client.pull(name);
    assert.notEqual(next, old);
    assert.equal((await client.status(name))?.id, next);
    assert.deepEqual((await client.status(old))?.repoTags, []);
    await client.remove(old);
    assert.equal(await client.status(old), null);
    assert.equal((await client.status(name))?.id, next);
  });

  test("whose file is gone is not there, until it is pulled again", async () => {
    const name = put("lost");
    const id = await client.pull(name);
    await rm(join(place.store, `images/${id}.sif`));
    assert.equal(await client.status(name), null);
    assert.equal(await client.pull(name), id);
    assert.equal((await client.status(name))?.id, id);
  });

  test("whose file is gone when it is asked for is in no list either, until the file is back", async () => {
    const name = put("mislaid");
    const id = await client.pull(name);
    const file = join(place.store, `images/${id}.sif`);
    assert.equal(await isListed(id), true);
    await rename(file, `${file}.mislaid`);
    assert.equal(await client.status(name), null);
    assert.equal(await isListed(id), false);
    assert.deepEqual(await client.list(name), []);
    assert.ok((await client.stream()).flat().every((image) => image.id !== id));
    await rename(`${file}.mislaid`, file);
    const image = await client.status(name);
    assert.equal(image?.id, id);
    assert.deepEqual(
      (await client.list()).find((each) => each.id === id),
      image,
    );
  });

  test("is told with the runtime handler that it was pulled for last", async () => {
    const name = put("sandboxed");
    const id = await client.pull(name, { runtimeHandler: "gvisor" });
    const handler = async (): Promise<string | undefined> =>
      (await client.list()).find((image) => image.id === id)?.spec?.runtimeHandler;
    assert.equal(await handler(), "gvisor");
    await client.pull(name);
    assert.equal(await handler(), "");
  });

  test("is pinned where the configuration or somebody says so, and removed all the same", async () => {
    const byName = await client.pull(put("team/pinned"));
    assert.equal((await client.status(byName))?.pinned, true);
    const byHand = await client.pull(put("by-hand"));
    const pinned = async (): Promise<readonly (boolean | undefined)[]> => [
      (await client.status(byHand))?.pinned,
      (await client.list()).find(({ id }) => id === byHand)?.pinned,
    ];
    assert.deepEqual(await pinned(), [false, false]);
    await place.siflet("pin", byHand);
    assert.deepEqual(await pinned(), [true, true]);
    await client.remove(byName);
    assert.equal(await client.status(byName), null);
  });
});

describe("what the command line does to the same store", () => {
  test("is told at once", async () => {
    const id = await client.pull(put("removed-by-hand"));
    assert.equal(await isListed(id), true);
    await place.siflet("rm", id);
    assert.equal(await isListed(id), false);
    assert.equal(await client.status(id), null);
  });

  test("keeps what it borrows from being removed", async () => {
    const name = put("borrowed");
    const id = await client.pull(name);
    await place.siflet("borrow", name, "--by", "runtime");
    await assert.rejects(client.remove(id), {
      code: codes.FAILED_PRECONDITION,
      details: `${name}: used by runtime`,
    });
    assert.equal(await isListed(id), true);
    await place.siflet("return", name, "--by", "runtime");
    await client.remove(id);
    assert.equal(await isListed(id), false);
  });

  test("an image that was added by hand has no digest of a registry", async () => {
    const file = join(place.directory, "by-hand.sif");
    await place.siflet("pull", "--no-store", "--output", file, put("carried"));
    await place.siflet("add", file, "--name", "example.org/carried:1");
    const image = (await client.status("example.org/carried:1")) as ClientImage;
    assert.deepEqual(image.repoTags, ["example.org/carried:1"]);
    assert.deepEqual(image.repoDigests, []);
  });
});

describe("what the images take up", () => {
  test("is told for a directory that exists, with a time", async () => {
    const { imageFilesystems, containerFilesystems } = await client.fsInfo();
    const [usage] = imageFilesystems;
    assert.equal(imageFilesystems.length, 1);
    assert.deepEqual(containerFilesystems, []);
    assert.equal(usage?.fsId?.mountpoint, place.store);
    assert.ok(BigInt(usage.timestamp) > 10n ** 18n);
    assert.ok(BigInt(usage.usedBytes?.value ?? "0") > 0n);
    assert.ok(BigInt(usage.inodesUsed?.value ?? "0") > 0n);
  });

  test("is less for the very next call after a removal", async () => {
    const usage = async (): Promise<{ at: bigint; used: bigint }> => {
      const [first] = (await client.fsInfo()).imageFilesystems;
      return { at: BigInt(first?.timestamp ?? "0"), used: BigInt(first?.usedBytes?.value ?? "0") };
    };
    // Noise, so that the image is large beside whatever the store's database grows by.
    const data = noiseBytes("what the images take up", 4_000_000);
    const name = put("large", makeImage({ layers: [tar([{ path: "noise", data }])] }));
    const id = await client.pull(name);
    const size = BigInt((await client.status(id))?.size ?? "0");
    assert.ok(size > 4_000_000n);
    // A measure that was begun after the pull has the image in it.
    const pulledAt = BigInt(Date.now()) * 1_000_000n;
    let before = await usage();
    while (before.at < pulledAt) {
      await setTimeout(20);
      before = await usage();
    }
    await client.remove(id);
    const { used } = await usage();
    assert.ok(used <= before.used - (size * 9n) / 10n, `${used} after ${before.used}`);
  });
});

describe("the runtime's half", () => {
  test("says who answers, and that it serves images alone", async () => {
    assert.deepEqual(await client.call("RuntimeService", "version", { version: "0.1.0" }), {
      version: "0.1.0",
      runtimeName: "siflet",
      runtimeVersion: "0.1.0",
      runtimeApiVersion: "v1",
    });
    const { status, info } = (await client.call("RuntimeService", "status", {
      verbose: true,
    })) as {
      status: { conditions: readonly { type: string; status: boolean; reason: string }[] };
      info: Readonly<Record<string, string>>;
    };
    assert.deepEqual(
      status.conditions.map(({ type, status: isReady, reason }) => [type, isReady, reason]),
      [
        ["RuntimeReady", false, "ImageServiceOnly"],
        ["NetworkReady", false, "ImageServiceOnly"],
      ],
    );
    assert.equal((JSON.parse(info["siflet"] ?? "") as { store: string }).store, place.store);
    const { linux } = (await client.call("RuntimeService", "runtimeConfig")) as {
      linux: { cgroupDriver: string };
    };
    assert.match(linux.cgroupDriver, /^(SYSTEMD|CGROUPFS)$/);
  });

  test("lists no containers and no sandboxes", async () => {
    const containers = await client.call("RuntimeService", "listContainers");
    assert.deepEqual(containers, { containers: [] });
    assert.deepEqual(await client.call("RuntimeService", "listPodSandbox"), { items: [] });
  });

  test("does not serve what else there is", async () => {
    const unimplemented = { code: codes.UNIMPLEMENTED };
    await assert.rejects(client.call("ImageService", "pullSecurityProfileArtifact"), unimplemented);
    await assert.rejects(client.call("RuntimeService", "runPodSandbox"), unimplemented);
  });
});

test("a request as the kubelet makes it is understood whole", async () => {
  const name = put("kubelet");
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
