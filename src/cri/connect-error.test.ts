import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { CodedError } from "../base/index.ts";
import { HttpError } from "../http/index.ts";
import { ImageError } from "../image/index.ts";
import { codeName, connectErrorOf } from "./connect-error.ts";
import { SERVICE_STATUS } from "./service-status.ts";

const never = new AbortController().signal;
const running = { client: never, stopping: never };

describe("a failure as gRPC answers it", () => {
  const unreachable = new HttpError("HTTP_UNREACHABLE", "no such host");
  const rows = [
    {
      name: "an error of ours",
      error: new ImageError("NOT_FOUND", "x: not found"),
      code: Code.NotFound,
      message: "x: not found",
    },
    {
      name: "a registry that cannot be reached",
      error: unreachable,
      code: Code.Unknown,
      message: "RegistryUnavailable: no such host",
    },
    {
      name: "one that another one hides",
      error: new SuppressedError(new Error("close"), unreachable),
      code: Code.Unknown,
      message: "RegistryUnavailable: no such host",
    },
    {
      name: "text that a server sent",
      error: new ImageError("NOT_FOUND", "\u001b[31mred\nnext"),
      code: Code.NotFound,
      message: "[31mred next",
    },
    {
      name: "what is said in the words of gRPC",
      error: new ConnectError("image: none", Code.InvalidArgument),
      code: Code.InvalidArgument,
      message: "image: none",
    },
    {
      name: "words of a client in words of gRPC, in one line of bounded length",
      error: new ConnectError(`\u001b[2J${"h".repeat(5000)}`, Code.InvalidArgument),
      code: Code.InvalidArgument,
      message: `[2J${"h".repeat(1996)}…`,
    },
    {
      name: "a mistake of ours, whose words stay with us",
      error: new TypeError("password=hunter2"),
      code: Code.Internal,
      message: "siflet failed in a way that it should not; its log says how",
    },
    {
      name: "an error of a class that nobody knows",
      error: new (class extends CodedError<"OTHER"> {})("OTHER", "words"),
      code: Code.Internal,
      message: "siflet failed in a way that it should not; its log says how",
    },
  ];
  for (const { name, error, code, message } of rows) {
    test(name, () => {
      const answer = connectErrorOf(error, running);
      assert.equal(codeName(answer.code), codeName(code));
      assert.equal(answer.rawMessage, message);
    });
  }

  test("a client that has left is CANCELLED, one whose time is over DEADLINE_EXCEEDED", () => {
    const left = AbortSignal.abort();
    const error = new DOMException("aborted", "AbortError");
    assert.equal(connectErrorOf(error, { ...running, client: left }).code, Code.Canceled);
    const reason = new ConnectError("the operation timed out", Code.DeadlineExceeded);
    const late = AbortSignal.abort(reason);
    assert.equal(connectErrorOf(error, { ...running, client: late }).code, Code.DeadlineExceeded);
  });

  test("what the daemon itself calls off is UNAVAILABLE, and never CANCELLED", () => {
    const error = new DOMException("aborted", "AbortError");
    const answer = connectErrorOf(error, { client: never, stopping: AbortSignal.abort() });
    assert.equal(answer.code, Code.Unavailable);
  });
});

describe("the table of codes", () => {
  test("UNKNOWN is for what the kubelet looks for, and that is always UNKNOWN", () => {
    for (const [code, status] of Object.entries(SERVICE_STATUS)) {
      assert.equal(status.code === Code.Unknown, status.marker !== undefined, code);
      assert.notEqual(status.code, Code.Canceled, code);
    }
  });

  const situations = [
    ["REFERENCE_INVALID", Code.InvalidArgument],
    ["CREDENTIALS_INVALID", Code.InvalidArgument],
    ["NOT_FOUND", Code.NotFound],
    ["PLATFORM_NOT_FOUND", Code.NotFound],
    ["REGISTRY_UNAUTHORIZED", Code.Unauthenticated],
    ["LIBRARY_UNAUTHORIZED", Code.Unauthenticated],
    ["REGISTRY_DENIED", Code.PermissionDenied],
    ["LIBRARY_DENIED", Code.PermissionDenied],
    ["HTTP_UNREACHABLE", Code.Unknown],
    ["REGISTRY_STATUS", Code.Unknown],
    ["TRUST_REQUIRED", Code.Unknown],
    ["NO_SPACE", Code.ResourceExhausted],
    ["LIMIT_IMAGE_BYTES", Code.ResourceExhausted],
    ["HTTP_STALLED", Code.DeadlineExceeded],
    ["CONTENT_DIGEST_MISMATCH", Code.DataLoss],
    ["LAYER_CORRUPT", Code.DataLoss],
    ["IS_USED", Code.FailedPrecondition],
  ] as const;
  for (const [errorCode, code] of situations) {
    test(`${errorCode} is ${codeName(code)}, as the kubelet's runtimes have it`, () => {
      assert.equal(codeName(SERVICE_STATUS[errorCode].code), codeName(code));
    });
  }

  test("what signatures and policies refuse has the kubelet's word for it", () => {
    const marked = Object.entries(SERVICE_STATUS).flatMap(([code, { marker }]) =>
      marker === "SignatureValidationFailed" ? [code] : [],
    );
    assert.ok(marked.includes("TRUST_REQUIRED") && marked.includes("POLICY_REJECTS"));
    assert.ok(
      Object.keys(SERVICE_STATUS)
        .filter((code) => code.startsWith("SIGNATURE_"))
        .every((code) => marked.includes(code)),
    );
  });
});
