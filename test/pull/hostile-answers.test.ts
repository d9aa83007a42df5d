import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { test } from "node:test";
import {
  BLOB,
  image,
  INDEX,
  large,
  layer,
  MANIFEST,
  NOISE,
  OCI,
  setUpHostile,
  type Stage,
  TAG,
  testHostile,
} from "../fixtures/hostile-stage.ts";
import { makeImage } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

// What registries have done to their clients, or could: whole pulls from servers that misbehave, as
// somebody whose password would be worth having. None gets an image into the store that is not
// what was named, and none is waited for without end.

testHostile([
  {
    name: "one document as manifest and index at once is refused (CVE-2021-41190)",
    codes: ["MANIFEST_INVALID"],
    stage: ({ registry }) => {
      const both = { schemaVersion: 2, layers: [], manifests: [] };
      registry.putManifest("app", Buffer.from(JSON.stringify(both)), OCI, "1");
    },
  },
  {
    name: "a manifest that is labelled an index is refused",
    codes: ["MANIFEST_INVALID"],
    stage: ({ registry }) => {
      const headers = { "content-type": "application/vnd.oci.image.index.v1+json" };
      registry.addFault(MANIFEST, { headers });
    },
  },
  {
    name: "a digest that is a path is refused (CVE-2024-3727)",
    codes: ["DIGEST_INVALID", "DESCRIPTOR_INVALID"],
    stage: ({ registry }) => {
      const config = { mediaType: "x/y", digest: "sha256:../../../v2/secret", size: 2 };
      const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [] }));
      registry.putManifest("app", bytes, OCI, "1");
    },
  },
  {
    name: "a digest header that lies is found out by the bytes",
    codes: ["CONTENT_DIGEST_MISMATCH", "CONTENT_SIZE_MISMATCH", "NOT_FOUND"],
    stage: ({ registry }) => {
      const headers = { "docker-content-digest": layer.digest };
      registry.addFault(TAG, { headers });
    },
  },
  {
    name: "a digest header that is a path is not believed",
    stage: ({ registry }) => {
      registry.addFault(TAG, { headers: { "docker-content-digest": "../../secret" } });
    },
  },
  {
    name: "a manifest without end is given up (CVE-2020-1702)",
    codes: ["CONTENT_SIZE_MISMATCH", "LIMIT_MANIFEST_BYTES"],
    stage: ({ registry }) => {
      registry.addFault(MANIFEST, { endless: true });
    },
  },
  {
    name: "a blob without end is given up",
    codes: ["CONTENT_SIZE_MISMATCH"],
    stage: ({ registry }) => {
      registry.addFault(BLOB, { endless: true });
    },
  },
  {
    name: "a blob that a Content-Encoding claims to be packed is taken as it is (CVE-2026-22036)",
    stage: ({ registry }) => {
      registry.addFault(BLOB, { headers: { "content-encoding": "gzip, gzip, gzip, br" } });
    },
  },
  {
    name: "a registry that goes silent in a blob is given up",
    codes: ["HTTP_STALLED"],
    stage: ({ registry }) => {
      registry.addFault(BLOB, { stallAt: 100 });
    },
  },
  {
    name: "a registry that lets a blob drip is given up",
    codes: ["HTTP_STALLED"],
    stage: ({ registry }) => {
      registry.putImage("app", large, "1");
      registry.addFault(`/v2/app/blobs/${large.layers[0]?.digest ?? ""}`, { drips: true });
    },
  },
  {
    name: "a registry that lets a manifest drip is given up",
    codes: ["HTTP_STALLED"],
    stage: ({ registry }) => {
      const long = makeImage({ layers: [], manifestDocument: { annotations: { a: NOISE } } });
      registry.putImage("app", long, "1");
      registry.addFault(`/v2/app/manifests/${long.manifest.digest}`, { drips: true });
    },
  },
  {
    name: "headers of more than 16 KiB are given up",
    codes: ["HTTP_PROTOCOL"],
    stage: ({ registry }) => {
      registry.addFault(TAG, { headers: { "x-long": "x".repeat(100_000) } });
    },
  },
  {
    name: "an error that goes on without end is cut",
    codes: ["REGISTRY_DENIED"],
    stage: ({ registry }) => {
      registry.addFault(TAG, { status: 403, endless: true });
      registry.addFault(TAG.replace("/1", "/none"), { status: 403, endless: true });
    },
  },
  {
    name: "a configuration of other bytes than its digest is refused",
    codes: ["CONTENT_DIGEST_MISMATCH"],
    stage: ({ registry }) => {
      const bytes = Buffer.from(image.configBytes);
      bytes.write("9", bytes.indexOf("2026"));
      registry.addFault(`/v2/app/blobs/${image.config.digest}`, { bytes });
    },
  },
  {
    name: "a layer of other bytes than its digest is refused",
    codes: ["CONTENT_DIGEST_MISMATCH"],
    stage: ({ registry }) => {
      registry.addFault(BLOB, { bytes: Buffer.alloc(layer.size) });
    },
  },
  {
    name: "a layer that says of its bytes what they are not once unpacked is refused",
    codes: ["CONTENT_DIGEST_MISMATCH"],
    stage: ({ registry }) => {
      const rootfs = { type: "layers", diff_ids: [image.config.digest] };
      const layers = [tar([{ path: "f", data: "other" }])];
      registry.putImage("app", makeImage({ layers, configDocument: { rootfs } }), "1");
    },
  },
  {
    name: "an ETag and a digest header that agree in a lie are found out by the bytes",
    codes: ["CONTENT_DIGEST_MISMATCH"],
    stage: ({ registry }) => {
      const { digest } = image.manifest;
      const headers = { etag: `"${digest}"`, "docker-content-digest": digest };
      const other = Buffer.from(image.manifestBytes);
      other.write("9", other.indexOf("sha256:") + 7);
      for (const path of [TAG, MANIFEST]) registry.addFault(path, { headers, bytes: other });
    },
  },
  {
    name: "an index of an index of an index is not followed without end",
    codes: ["MANIFEST_INVALID"],
    stage: ({ registry }) => {
      let inner = registry.putManifest("app", image.manifestBytes, OCI, "inner");
      for (let depth = 0; depth < 50; depth += 1) {
        const platform = { os: "linux", architecture: "amd64" };
        const manifests = [{ ...inner, platform }];
        const bytes = Buffer.from(
          JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }),
        );
        inner = registry.putManifest("app", bytes, INDEX, "1");
      }
    },
  },
  ...[
    "bytes 0-9/SIZE",
    "bytes 11-END/SIZE",
    "bytes 10-SIZE/SIZE",
    "bytes 10-END/1",
    "bytes 10-9/SIZE",
    "bytes 10-9999999999999999/*",
    "bytes -10-END/SIZE",
    "bytes */SIZE",
    "items 10-END/SIZE",
    "10-END/SIZE",
    "bytes 10-END/SIZE, bytes 0-9/SIZE",
    "",
  ].map((range) => ({
    name: `a part of a blob with the Content-Range ${JSON.stringify(range)} is not put into it`,
    codes: ["CONTENT_SIZE_MISMATCH"],
    stage: ({ registry }: Stage) => {
      const value = range
        .replaceAll("SIZE", `${layer.size}`)
        .replaceAll("END", `${layer.size - 1}`);
      // As many bytes as it says, so that the range alone is what is wrong.
      const [first = 10, last = layer.size - 1] = (value.match(/\d+/g) ?? []).map(Number);
      const bytes = image.blobs.get(layer.digest)?.subarray(first, last + 1) ?? Buffer.alloc(0);
      const headers = { "content-range": value };
      // What is of no use is asked for once more, from the beginning.
      for (let time = 0; time < 2; time += 1) {
        registry.addFault(BLOB, { truncateAt: 10, times: 1 });
        registry.addFault(BLOB, { status: 206, headers, bytes, times: 1 });
      }
    },
  })),
]);

test("a tag that moves during a pull moves nothing of it: the tag is asked for once", async (t) => {
  const stage = await setUpHostile(t);
  const wanted = await stage.pull();
  const moving = await setUpHostile(t);
  moving.registry.putImage("app", large, "2");
  const { registry } = moving;
  registry.guardWith({
    challenge: () => undefined,
    allows: () => {
      // Whatever is asked next finds another image under the name.
      queueMicrotask(() => registry.putImage("app", large, "1"));
      return true;
    },
  });
  assert.equal(await moving.pull(), wanted);
  assert.equal(registry.requests.filter(({ path }) => path === TAG).length, 1);
});

test("two lengths in one answer are no HTTP (CVE-2026-1525)", async (t) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  const stage = await setUpHostile(t);
  const { port } = server.address() as AddressInfo;
  await assert.rejects(stage.pull(`127.0.0.1:${port}/app:1`), { code: "HTTP_PROTOCOL" });
});
