import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import { MAX_MESSAGE_BYTES, runtimeSchema } from "../wire/index.ts";
import { ENCODED_ANSWER } from "./encoded-answer.ts";
import { FileSystemUsage } from "./file-system-usage.ts";
import { CriImageService } from "./image-service.ts";
import { observers } from "./observer.ts";

const signal = new AbortController().signal;

/** A service whose list of all images is this long. */
async function serviceOf(directory: string, bytes: number): Promise<CriImageService> {
  const unused = (): never => {
    throw new Error("expected a list and nothing else");
  };
  const usage = await FileSystemUsage.of(directory, {
    now: () => 1,
    usageOf: () => Readable.from([]),
    onFailure: unused,
  });
  const list = (): Promise<Uint8Array> => Promise.resolve(new Uint8Array(bytes));
  return new CriImageService({
    images: { store: unused, reader: unused, sources: unused, now: unused } as never,
    encoded: { list, fields: unused, isListed: unused, doubt: unused },
    usage,
    observer: observers([]),
    stopping: signal,
  });
}

for (const { bytes, isSent } of [
  { bytes: MAX_MESSAGE_BYTES, isSent: true },
  { bytes: MAX_MESSAGE_BYTES + 1, isSent: false },
]) {
  test(`a list of ${bytes} bytes is ${isSent ? "sent as it is" : "RESOURCE_EXHAUSTED"}`, async () => {
    await using place = await mkdtempDisposable(join(tmpdir(), "siflet-"));
    const service = await serviceOf(place.path, bytes);
    const values = createContextValues();
    const request = create(runtimeSchema("ListImagesRequest"));
    const answer = service.listImages(request, { signal, values });
    if (isSent) {
      assert.deepEqual((await answer).images, []);
      assert.equal(values.get(ENCODED_ANSWER)?.length, bytes);
      return;
    }
    await assert.rejects(answer, (error) => {
      assert.ok(error instanceof ConnectError);
      assert.equal(error.code, Code.ResourceExhausted);
      return true;
    });
    assert.equal(values.get(ENCODED_ANSWER), undefined);
  });
}
