import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type Message,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import {
  encodedField,
  encodedMessage,
  ImageService,
  runtimeSchema,
  RuntimeService,
} from "./index.ts";

// The bytes are written by hand from the tables of cri.md §1.3 and §1.4: tag (number * 8 + wire type), then
// the value.

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
}

interface Row {
  readonly name: string;
  readonly schema: DescMessage;
  readonly message: Message;
  readonly hex: string;
}

function row<Schema extends DescMessage>(
  name: string,
  schema: Schema,
  fields: MessageInitShape<Schema>,
  hex: string,
): Row {
  return { name, schema, message: create(schema, fields), hex };
}

const rows: readonly Row[] = [
  row(
    "ImageSpec",
    runtimeSchema("ImageSpec"),
    {
      image: "busybox",
      annotations: { a: "b" },
      userSpecifiedImage: "u",
      runtimeHandler: "r",
      imageRef: "d",
    },
    "0a07 62757379626f78  1206 0a0161 120162  920101 75  9a0101 72  a20101 64",
  ),
  row(
    "Image with a size that no double holds",
    runtimeSchema("Image"),
    {
      id: "i",
      repoTags: ["t", "u"],
      repoDigests: ["d"],
      size: 2n ** 53n + 1n,
      uid: { value: 1002n },
      username: "www",
      spec: { image: "x" },
      pinned: true,
    },
    "0a0169 120174 120175 1a0164 20 8180808080808010 2a03 08ea07 3203 777777 3a03 0a0178 4001",
  ),
  row("Image of uid 0", runtimeSchema("Image"), { uid: { value: 0n } }, "2a00"),
  row("a negative uid", runtimeSchema("Int64Value"), { value: -1n }, "08 ffffffffffffffffff 01"),
  row(
    "the largest uint64",
    runtimeSchema("UInt64Value"),
    { value: 2n ** 64n - 1n },
    "08 ffffffffffffffffff 01",
  ),
  row(
    "AuthConfig",
    runtimeSchema("AuthConfig"),
    {
      username: "a",
      password: "b",
      auth: "c",
      serverAddress: "d",
      identityToken: "e",
      registryToken: "f",
    },
    "0a0161 120162 1a0163 220164 2a0165 320166",
  ),
  row(
    "PodSandboxConfig",
    runtimeSchema("PodSandboxConfig"),
    {
      metadata: { name: "n", uid: "u", namespace: "s", attempt: 300 },
      hostname: "h",
      logDirectory: "l",
      labels: { k: "v" },
      annotations: { k: "v" },
      linux: { cgroupParent: "/c" },
    },
    "0a0c 0a016e 120175 1a0173 20ac02  120168 1a016c  3206 0a016b 120176  3a06 0a016b 120176  4204 0a022f63",
  ),
  row(
    "ListImagesRequest",
    runtimeSchema("ListImagesRequest"),
    { filter: { image: { image: "x" } } },
    "0a05 0a03 0a0178",
  ),
  row(
    "ListImagesResponse",
    runtimeSchema("ListImagesResponse"),
    { images: [{ id: "i" }, { id: "j" }] },
    "0a03 0a0169 0a03 0a016a",
  ),
  row(
    "StreamImagesRequest",
    runtimeSchema("StreamImagesRequest"),
    { filter: { image: { image: "x" } } },
    "0a05 0a03 0a0178",
  ),
  row(
    "StreamImagesResponse",
    runtimeSchema("StreamImagesResponse"),
    { images: [{ id: "i" }] },
    "0a03 0a0169",
  ),
  row(
    "ImageStatusRequest",
    runtimeSchema("ImageStatusRequest"),
    { image: { image: "x" }, verbose: true },
    "0a03 0a0178 1001",
  ),
  row(
    "ImageStatusResponse",
    runtimeSchema("ImageStatusResponse"),
    { image: { id: "i" }, info: { info: "{}" } },
    "0a03 0a0169 120a 0a04696e666f 12027b7d",
  ),
  row("ImageStatusResponse of no image", runtimeSchema("ImageStatusResponse"), {}, ""),
  row(
    "PullImageRequest",
    runtimeSchema("PullImageRequest"),
    { image: { image: "x" }, auth: { username: "a" }, sandboxConfig: { hostname: "h" } },
    "0a03 0a0178 1203 0a0161 1a03 120168",
  ),
  row("PullImageResponse", runtimeSchema("PullImageResponse"), { imageRef: "i" }, "0a0169"),
  row(
    "RemoveImageRequest",
    runtimeSchema("RemoveImageRequest"),
    { image: { image: "x" } },
    "0a03 0a0178",
  ),
  row(
    "ImageFsInfoResponse at the largest time",
    runtimeSchema("ImageFsInfoResponse"),
    {
      imageFilesystems: [
        {
          timestamp: 2n ** 63n - 1n,
          fsId: { mountpoint: "/" },
          usedBytes: { value: 5n },
          inodesUsed: { value: 3n },
        },
      ],
    },
    "0a17 08ffffffffffffffff7f 1203 0a012f 1a02 0805 2202 0803",
  ),
  row(
    "VersionResponse",
    runtimeSchema("VersionResponse"),
    { version: "0", runtimeName: "s", runtimeVersion: "1", runtimeApiVersion: "v" },
    "0a0130 120173 1a0131 220176",
  ),
  row(
    "StatusResponse",
    runtimeSchema("StatusResponse"),
    {
      status: { conditions: [{ type: "t", status: true, reason: "r", message: "m" }] },
      info: { k: "v" },
    },
    "0a0d 0a0b 0a0174 1001 1a0172 22016d  1206 0a016b 120176",
  ),
  row(
    "RuntimeConfigResponse of cgroupfs",
    runtimeSchema("RuntimeConfigResponse"),
    { linux: { cgroupDriver: 1 } },
    "0a02 0801",
  ),
];

describe("runtime.v1 on the wire", () => {
  for (const { name, schema, message, hex } of rows) {
    test(name, () => {
      assert.equal(Buffer.from(toBinary(schema, message)).toString("hex"), hex.replaceAll(" ", ""));
      assert.deepEqual(fromBinary(schema, bytesOf(hex)), message);
    });
  }

  test("fields of a newer interface are passed over", () => {
    const bytes = bytesOf("0a03 0a0178  2200 4a00  1a05 120168 2200  fa0701 7a");
    const request = fromBinary(runtimeSchema("PullImageRequest"), bytes, {
      readUnknownFields: false,
    });
    assert.deepEqual(
      request,
      create(runtimeSchema("PullImageRequest"), {
        image: { image: "x" },
        sandboxConfig: { hostname: "h" },
      }),
    );
  });

  const broken = [
    { name: "text that is not UTF-8", hex: "0a03 0a01ff" },
    { name: "a length past the end", hex: "0a05 0a0178" },
    { name: "a number of eleven bytes", hex: "10 ffffffffffffffffffff 01" },
    { name: "a wire type that there is not", hex: "0f" },
  ];
  for (const { name, hex } of broken) {
    test(`${name} is refused`, () => {
      assert.throws(() => fromBinary(runtimeSchema("ImageStatusRequest"), bytesOf(hex)));
    });
  }

  test("images that were encoded before are the same bytes in an answer", () => {
    const schema = runtimeSchema("ListImagesResponse");
    const images = ["a", "b", "c"].map((id) => create(runtimeSchema("Image"), { id, size: 1n }));
    const encoded = images.map((image) => toBinary(runtimeSchema("Image"), image));
    for (const count of [0, 1, 3]) {
      const whole = create(schema, { images: images.slice(0, count) });
      const message = encodedMessage(1, encoded.slice(0, count));
      assert.deepEqual(message, toBinary(schema, whole));
      const early = create(schema);
      early.$unknown = encodedField(1, message);
      assert.deepEqual(toBinary(schema, early), toBinary(schema, whole));
    }
  });
});

test("the services have the methods of the interface, of which one answers with a stream", () => {
  const paths = [ImageService, RuntimeService].flatMap(({ typeName, methods }) =>
    methods.map(({ name, methodKind }) => `/${typeName}/${name} ${methodKind}`),
  );
  assert.deepEqual(paths, [
    "/runtime.v1.ImageService/ListImages unary",
    "/runtime.v1.ImageService/StreamImages server_streaming",
    "/runtime.v1.ImageService/ImageStatus unary",
    "/runtime.v1.ImageService/PullImage unary",
    "/runtime.v1.ImageService/RemoveImage unary",
    "/runtime.v1.ImageService/ImageFsInfo unary",
    "/runtime.v1.RuntimeService/Version unary",
    "/runtime.v1.RuntimeService/Status unary",
    "/runtime.v1.RuntimeService/RuntimeConfig unary",
    "/runtime.v1.RuntimeService/ListContainers unary",
    "/runtime.v1.RuntimeService/ListPodSandbox unary",
  ]);
});
