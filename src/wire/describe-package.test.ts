import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { adminSchema, AdminService } from "./index.ts";
import { describePackage } from "./describe-package.ts";

test("a table that names a message which there is not is refused", () => {
  for (const field of ["Absent", "Absent[]", "toString"]) {
    const messages = { Found: { field: [1, field] } } as const;
    assert.throws(() => describePackage({ name: "p", messages, services: {} }), /no message/);
  }
  const services = { S: { call: ["Found", "Absent"] } } as const;
  assert.throws(() => describePackage({ name: "p", messages: { Found: {} }, services }), /Absent/);
});

test("fields are called as a compiler calls them", () => {
  const described = describePackage({
    name: "p",
    messages: { M: { repoTags: [1, "string[]"], fsId: [2, "M"], pairs: [3, "map"] } },
    services: {},
  });
  const { fields } = described.message("M");
  assert.deepEqual(
    fields.map(({ name, localName, fieldKind }) => [name, localName, fieldKind]),
    [
      ["repo_tags", "repoTags", "list"],
      ["fs_id", "fsId", "message"],
      ["pairs", "pairs", "map"],
    ],
  );
});

test("siflet's own service has its methods, and its messages survive the wire", () => {
  assert.deepEqual(
    AdminService.methods.map(({ name, methodKind }) => `${name} ${methodKind}`),
    [
      "BorrowAndPath unary",
      "Return unary",
      "ListBorrows unary",
      "ListPulls unary",
      "WatchPulls server_streaming",
      "WatchEvents server_streaming",
    ],
  );
  const schema = adminSchema("ListPullsResponse");
  const layers = [{ digest: "sha256:0", size: 2n ** 63n, done: true }];
  const message = create(schema, { pulls: [{ number: 1n, reference: "r", layers }] });
  assert.deepEqual(fromBinary(schema, toBinary(schema, message)), message);
});
