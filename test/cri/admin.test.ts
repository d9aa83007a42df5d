import assert from "node:assert/strict";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { status as codes } from "@grpc/grpc-js";
import { DaemonPlace, type CriClient, type RunningDaemon } from "../fixtures/daemon/index.ts";
import {
  makeImage,
  startRegistry,
  type FakeRegistry,
  type FixtureImage,
} from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

// siflet's own service on the daemon's socket, through an independent client.

let registry: FakeRegistry;
let place: DaemonPlace;
let daemon: RunningDaemon;
let client: CriClient;

before(async () => {
  registry = await startRegistry();
  place = await DaemonPlace.make();
  await place.configure();
  daemon = await place.start();
  client = daemon.client();
});

after(async () => {
  client[Symbol.dispose]();
  await place[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

function imageOf(content: string): FixtureImage {
  return makeImage({
    layers: [tar([{ path: "content", data: content }])],
    config: { Cmd: [content] },
  });
}

function put(repository: string, image = imageOf(repository)): string {
  registry.putImage(repository, image, "1");
  return `${registry.host}/${repository}:1`;
}

async function ask<Answer>(method: string, request: object): Promise<Answer> {
  return (await client.call("AdminService", method, request)) as Answer;
}

interface Borrowed {
  readonly imageId: string;
  readonly path: string;
  readonly partitionOffset: string;
  readonly partitionSize: string;
  readonly compressor: string;
  readonly architecture: string;
  readonly ociConfig: string;
}

interface Borrows {
  readonly borrows: readonly {
    readonly imageId: string;
    readonly owner: string;
    readonly reference: string;
    readonly expiresAtMs: string;
    readonly note: string;
  }[];
}

test("an image is borrowed and its path told in one call, by name, id and beginning of it", async () => {
  const name = put("borrowed");
  const id = await client.pull(name);
  for (const [index, image] of [name, id, id.slice(0, 10), `sha256:${id}`].entries()) {
    const owner = `runtime-${index}`;
    const borrowed = await ask<Borrowed>("borrowAndPath", { image, owner });
    assert.equal(borrowed.imageId, id);
    assert.equal(borrowed.path, join(place.store, `images/${id}.sif`));
    assert.equal(borrowed.compressor, "gzip");
    assert.equal(borrowed.architecture, "amd64");
    assert.deepEqual(JSON.parse(borrowed.ociConfig), { Cmd: ["borrowed"] });
    await using file = await open(borrowed.path);
    const head = Buffer.alloc(4);
    await file.read(head, 0, 4, Number(borrowed.partitionOffset));
    assert.equal(head.toString(), "hsqs");
    const { size } = await file.stat();
    assert.ok(Number(borrowed.partitionOffset) + Number(borrowed.partitionSize) <= size);
  }
  await assert.rejects(client.remove(id), { code: codes.FAILED_PRECONDITION });
  const { borrows } = await ask<Borrows>("listBorrows", { image: id });
  assert.deepEqual(
    borrows.map(({ owner, reference }) => [owner, reference]),
    [0, 1, 2, 3].map((index) => [`runtime-${index}`, index === 0 ? name : ""]),
  );
  for (const index of [0, 1, 2, 3]) {
    const { imageIds } = await ask<{ imageIds: string[] }>("return", {
      image: id,
      owner: `runtime-${index}`,
    });
    assert.deepEqual(imageIds, [id]);
  }
  await client.remove(id);
});

test("a borrow has an owner, a note and a time, and only one to come", async () => {
  const name = put("timed");
  const id = await client.pull(name);
  const expiresAtMs = String(Date.now() + 3_600_000);
  await ask("borrowAndPath", { image: name, owner: "me", expiresAtMs, note: "a job" });
  const { borrows } = await ask<Borrows>("listBorrows", { owner: "me" });
  assert.deepEqual(
    borrows.map(({ imageId, expiresAtMs: at, note }) => [imageId, at, note]),
    [[id, expiresAtMs, "a job"]],
  );
  assert.deepEqual((await ask<Borrows>("listBorrows", { owner: "nobody" })).borrows, []);
  for (const wrong of ["1", "-1", "9223372036854775807"]) {
    await assert.rejects(ask("borrowAndPath", { image: name, owner: "late", expiresAtMs: wrong }), {
      code: codes.INVALID_ARGUMENT,
    });
  }
  await assert.rejects(ask("borrowAndPath", { image: name }), { code: codes.INVALID_ARGUMENT });
  await assert.rejects(ask("borrowAndPath", { owner: "me" }), { code: codes.INVALID_ARGUMENT });
  await assert.rejects(ask("return", { image: "absent:1", owner: "me" }), {
    code: codes.NOT_FOUND,
  });
});

test("an image whose file cannot be given stays with nobody", async () => {
  const name = put("vanished");
  const id = await client.pull(name);
  await rm(join(place.store, `images/${id}.sif`));
  await assert.rejects(ask("borrowAndPath", { image: name, owner: "me" }), {
    code: codes.NOT_FOUND,
    details: `${name}: its file is gone; pull it again`,
  });
  assert.deepEqual((await ask<Borrows>("listBorrows", { image: id })).borrows, []);
});

test("who borrows is told in few and plain words", async () => {
  const name = put("worded");
  const id = await client.pull(name);
  const wrong = [
    { owner: "" },
    { owner: "o".repeat(257) },
    { owner: "me\nyou" },
    { owner: "me\u0000" },
    { owner: "me", note: "n".repeat(4097) },
    { owner: "me", note: "\u001b[2J" },
  ];
  for (const fields of wrong) {
    await assert.rejects(ask("borrowAndPath", { image: name, ...fields }), {
      code: codes.INVALID_ARGUMENT,
      details: /^(owner|note): expected /,
    });
  }
  assert.deepEqual((await ask<Borrows>("listBorrows", { image: id })).borrows, []);
  const owner = "ö".repeat(256);
  await ask("borrowAndPath", { image: name, owner, note: "n".repeat(4096) });
  await ask("return", { image: id, owner });
});

test("who has an image keeps it, whatever becomes of a second try to borrow it", async () => {
  const name = put("kept");
  const id = await client.pull(name);
  await ask("borrowAndPath", { image: name, owner: "me" });
  // The container that has it open goes on.
  await rm(join(place.store, `images/${id}.sif`));
  await assert.rejects(ask("borrowAndPath", { image: name, owner: "me" }));
  const { borrows } = await ask<Borrows>("listBorrows", { image: id });
  assert.deepEqual(
    borrows.map(({ owner }) => owner),
    ["me"],
  );
  await assert.rejects(client.remove(id), { code: codes.FAILED_PRECONDITION });
  await ask("return", { image: id, owner: "me" });
});

interface Pulls {
  readonly pulls: readonly {
    readonly reference: string;
    readonly stage: string;
    readonly layers: readonly { readonly fetchedBytes: string; readonly size: string }[];
  }[];
}

test("running pulls are listed, watched and shown, with how far they are", async () => {
  const image = imageOf("followed");
  const name = put("followed", image);
  const { promise: held, resolve: release } = Promise.withResolvers<undefined>();
  registry.addFault(`/v2/followed/blobs/${image.layers[0]?.digest ?? ""}`, {
    hold: held.then(() => undefined),
    method: "GET",
  });
  const pulling = client.pull(name);
  const states: string[] = [];
  let isSeen = false;
  for await (const message of client.watch("AdminService", "watchPulls")) {
    const [pull] = (message as Pulls).pulls.filter(({ reference }) => reference === name);
    states.push(pull === undefined ? "gone" : pull.stage);
    if (pull?.layers.length === 1 && !isSeen) {
      isSeen = true;
      const { pulls } = await ask<Pulls>("listPulls", {});
      assert.deepEqual(
        pulls.map(({ reference, layers }) => [reference, layers[0]?.size]),
        [[name, String(image.layers[0]?.size)]],
      );
      assert.match(
        await place.siflet("pulls", "--socket", place.socket),
        /fetching +0\/1 .*followed/,
      );
      const json: unknown = JSON.parse(
        await place.siflet("pulls", "--json", "--socket", place.socket),
      );
      assert.equal((json as { reference: string }[])[0]?.reference, name);
      release(undefined);
    }
    if (isSeen && pull === undefined) break;
  }
  await pulling;
  assert.equal(states.at(-1), "gone");
  assert.equal(await place.siflet("pulls", "--socket", place.socket), "no pulls\n");
});

test("what happens to images is told as it happens, whoever does it", async () => {
  const name = put("told", imageOf("first"));
  const events = client.watch("AdminService", "watchEvents");
  const next = async (): Promise<unknown> => (await events.next()).value;
  assert.equal(((await next()) as { kind: string }).kind, "watching");
  const rest = async (count: number): Promise<unknown[]> => {
    const told = [];
    while (told.length < count) told.push(await next());
    return told;
  };
  const before = await client.pull(name);
  const digest = (await client.status(name))?.repoDigests[0] ?? "";
  const event = (kind: string, fields: object): object => ({
    kind,
    imageId: "",
    name: "",
    previousId: "",
    ...fields,
  });
  assert.deepEqual(await rest(3), [
    event("pulled", { imageId: before }),
    event("moved", { imageId: before, name }),
    event("moved", { imageId: before, name: digest }),
  ]);

  put("told", imageOf("second"));
  const moved = await client.pull(name);
  const newDigest = (await client.status(name))?.repoDigests[0] ?? "";
  assert.deepEqual(await rest(3), [
    event("pulled", { imageId: moved }),
    event("moved", { imageId: moved, name, previousId: before }),
    event("moved", { imageId: moved, name: newDigest }),
  ]);

  await place.siflet("rm", before);
  assert.deepEqual(await rest(1), [event("removed", { imageId: before })]);
  await place.siflet("untag", name);
  assert.deepEqual(await rest(1), [event("moved", { name, previousId: moved })]);
  await events.return();
});

test("a socket that nobody answers at is told as such", async () => {
  await assert.rejects(
    place.siflet("pulls", "--socket", join(place.directory, "none.sock")),
    /none\.sock: expected a daemon to answer/,
  );
});
