import assert from "node:assert/strict";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  ImageMaker,
  newDirectory,
  openTestStore,
  startChild,
} from "../../test/fixtures/store/index.ts";

import { CodedError } from "../base/index.ts";

const never = new AbortController().signal;
const TAG = "docker.io/library/busybox:latest";

for (const journal of ["wal", "rollback"] as const) {
  test(`${journal}: of 800 borrows from two processes at once none fails`, async (t) => {
    const directory = await newDirectory(t);
    await using store = await openTestStore(directory, { traits: { journal } });
    await using staging = await store.stage();
    const names = { tags: [TAG], digests: [] };
    const { publication } = await new ImageMaker(staging).make("x", { names });
    const { id } = await store.publish(publication, never);
    const children = ["a", "b"].map((prefix) => {
      const who = Array.from({ length: 400 }, (_, number) => `${prefix}-${number}`);
      return startChild({ kind: "borrow", directory, tag: TAG, who });
    });
    for (const child of children) {
      await using running = child;
      const outcome = await running.report();
      assert.equal(outcome.filter((status) => status === "fulfilled").length, 400);
    }
    assert.equal((await store.usedBy(id)).length, 800);
  });
}

test("two processes publish one image and move one tag: one file, one owner", async (t) => {
  const directory = await newDirectory(t);
  await using store = await openTestStore(directory);
  const publishing = { kind: "publish", directory } as const;
  const children = [
    startChild({ ...publishing, text: "same", tags: [TAG, "one:1"] }),
    startChild({ ...publishing, text: "same", tags: ["two:1"] }),
    startChild({ ...publishing, text: "other", tags: [TAG] }),
  ];
  const ids: string[] = [];
  for (const child of children) {
    await using running = child;
    ids.push(...(await running.report()));
  }
  assert.equal(ids[0], ids[1]);
  const images = await store.list();
  assert.deepEqual(images.map(({ id }) => id).toSorted(), [...new Set(ids)].toSorted());
  assert.equal(images.filter(({ names }) => names.tags.includes(TAG)).length, 1);
  const both = await store.find("one:1", ["one:1"]);
  assert.deepEqual((await store.find("two:1", ["two:1"])).id, both.id);
  assert.deepEqual(
    (await readdir(join(directory, "images"))).toSorted(),
    [...new Set(ids)].map((id) => `${id}.sif`).toSorted(),
  );
});

test("an image is either borrowed or removed, never both (B14)", async (t) => {
  const directory = await newDirectory(t);
  await using one = await openTestStore(directory);
  await using other = await openTestStore(directory);
  for (let round = 0; round < 20; round++) {
    await using staging = await one.stage();
    const names = { tags: [TAG], digests: [] };
    const { publication } = await new ImageMaker(staging).make(`image ${round}`, { names });
    const { id, path } = await one.publish(publication, never);
    const [borrower, remover] = round % 2 === 0 ? [one, other] : [other, one];
    const [borrow, remove] = await Promise.all([
      outcomeOf(borrower.borrow("busybox", [TAG], "pod")),
      outcomeOf(remover.remove(id, never)),
    ]);
    if (borrow === "done") {
      assert.equal(remove, "IS_USED");
      await access(path);
      await one.return(id, [], "pod");
      await one.remove(id, never);
    } else {
      assert.deepEqual([borrow, remove], ["NOT_FOUND", "done"]);
    }
  }
});

async function outcomeOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
    return "done";
  } catch (error) {
    if (error instanceof CodedError) return String(error.code);
    throw error;
  }
}
