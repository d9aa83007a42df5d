import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { mkdtempDisposable } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { ImageMaker, openTestStore } from "../../test/fixtures/store/index.ts";
import { CodedError } from "../base/index.ts";
import type { Store } from "./index.ts";

const never = new AbortController().signal;
const CONTENTS = ["one", "two", "three"] as const;
const TAGS = ["docker.io/a/x:1", "docker.io/a/y:1", "docker.io/b/x:2"] as const;
const WHO = ["p", "q"] as const;

/** What a store is to know, and nothing of how. */
interface Model {
  readonly images: Map<string, ModelImage>;
}

interface ModelImage {
  readonly tags: Set<string>;
  /** Each with the name that it borrowed by. */
  readonly borrowers: Map<string, string>;
  pinned: boolean;
}

/** A store that may be closed, or left as a crash would leave it, and opened again. */
class Subject {
  readonly directory: string;
  #store: Store;
  readonly #left: Store[] = [];

  constructor(directory: string, store: Store) {
    this.directory = directory;
    this.#store = store;
  }

  get store(): Store {
    return this.#store;
  }

  async reopen(isCrash: boolean): Promise<void> {
    if (isCrash) this.#left.push(this.#store);
    else await this.#store.close();
    this.#store = await openTestStore(this.directory);
  }

  async end(): Promise<void> {
    for (const store of [...this.#left, this.#store]) await store.close();
  }
}

/** One thing that is done to both. */
type Step =
  | { readonly kind: "publish"; readonly text: string; readonly tag: string }
  | { readonly kind: "name"; readonly text: string; readonly tag: string }
  | { readonly kind: "untag"; readonly tag: string }
  | { readonly kind: "borrow"; readonly tag: string; readonly who: string }
  | { readonly kind: "return"; readonly text: string; readonly who: string }
  | { readonly kind: "return the name"; readonly tag: string; readonly who: string }
  | { readonly kind: "pin"; readonly text: string; readonly pinned: boolean }
  | { readonly kind: "remove" | "prune" | "lose the file"; readonly text: string }
  | { readonly kind: "reopen"; readonly isCrash: boolean };

const text = fc.constantFrom(...CONTENTS);
const tag = fc.constantFrom(...TAGS);
const who = fc.constantFrom(...WHO);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("publish" as const), text, tag }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("name" as const), text, tag }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("untag" as const), tag }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("borrow" as const), tag, who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("return" as const), text, who }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("return the name" as const), tag, who }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("pin" as const), text, pinned: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("remove" as const, "prune" as const, "lose the file" as const),
      text,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("reopen" as const), isCrash: fc.boolean() }),
  },
);

test("any sequence of publications, tag moves, borrows, removals and crashes ends as it should", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-property-"));
      const subject = new Subject(directory.path, await openTestStore(directory.path));
      const model: Model = { images: new Map() };
      try {
        for (const each of steps) {
          const expected = applyToModel(model, each);
          const got = await applyToStore(subject, each);
          assert.equal(got, expected, JSON.stringify(each));
          await assertEqual(subject.store, model);
        }
      } finally {
        await subject.end();
      }
    }),
    { numRuns: 40, seed: 20_260_101 },
  );
});

function idOf(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** @returns the code of the error that the store is to throw; "" for none */
function applyToModel({ images }: Model, each: Step): string {
  switch (each.kind) {
    case "publish":
      images.set(idOf(each.text), images.get(idOf(each.text)) ?? newImage());
      return moveTag(images, each);
    case "name":
      return moveTag(images, each);
    case "untag": {
      const owner = ownerOf(images, each.tag);
      owner?.tags.delete(each.tag);
      return owner === undefined ? "NOT_FOUND" : "";
    }
    case "borrow": {
      const owner = ownerOf(images, each.tag);
      owner?.borrowers.set(each.who, each.tag);
      return owner === undefined ? "NOT_FOUND" : "";
    }
    case "return": {
      const image = images.get(idOf(each.text));
      image?.borrowers.delete(each.who);
      return image === undefined ? "NOT_FOUND" : "";
    }
    case "return the name": {
      const all = [...images.values()];
      const taken = all.filter(({ borrowers }) => borrowers.get(each.who) === each.tag);
      const owner = ownerOf(images, each.tag);
      for (const { borrowers } of taken) borrowers.delete(each.who);
      if (taken.length === 0) owner?.borrowers.delete(each.who);
      return taken.length === 0 && owner === undefined ? "NOT_FOUND" : "";
    }
    case "pin": {
      const image = images.get(idOf(each.text));
      if (image === undefined) return "NOT_FOUND";
      image.pinned = each.pinned;
      return "";
    }
    case "remove": {
      const image = images.get(idOf(each.text));
      if (image === undefined) return "NOT_FOUND";
      if (image.borrowers.size > 0) return "IS_USED";
      images.delete(idOf(each.text));
      return "";
    }
    case "prune": {
      const image = images.get(idOf(each.text));
      if (image?.borrowers.size === 0 && !image.pinned) images.delete(idOf(each.text));
      return "";
    }
    case "lose the file":
    case "reopen":
      return "";
  }
}

function newImage(): ModelImage {
  return { tags: new Set(), borrowers: new Map(), pinned: false };
}

function ownerOf(images: Model["images"], wanted: string): ModelImage | undefined {
  return [...images.values()].find(({ tags }) => tags.has(wanted));
}

function moveTag(
  images: Model["images"],
  { text: content, tag: moved }: { readonly text: string; readonly tag: string },
): string {
  const image = images.get(idOf(content));
  if (image === undefined) return "NOT_FOUND";
  ownerOf(images, moved)?.tags.delete(moved);
  image.tags.add(moved);
  return "";
}

async function applyToStore(subject: Subject, each: Step): Promise<string> {
  try {
    await apply(subject, each);
    return "";
  } catch (error) {
    if (error instanceof CodedError) return String(error.code);
    throw error;
  }
}

async function apply(subject: Subject, each: Step): Promise<void> {
  const { store } = subject;
  switch (each.kind) {
    case "publish": {
      await using staging = await store.stage();
      const names = { tags: [each.tag], digests: [] };
      const { publication } = await new ImageMaker(staging).make(each.text, { names });
      await store.publish(publication, never);
      break;
    }
    case "name":
      await store.addNames(idOf(each.text), { tags: [each.tag], digests: [] });
      break;
    case "untag":
      await store.untag(each.tag);
      break;
    case "borrow":
      await store.borrow(each.tag, [each.tag], each.who);
      break;
    case "return":
      await store.return(idOf(each.text), [], each.who);
      break;
    case "return the name":
      await store.return(each.tag, [each.tag], each.who);
      break;
    case "pin":
      await store.setPinned(idOf(each.text), each.pinned);
      break;
    case "remove":
      await store.remove(idOf(each.text), never);
      break;
    case "prune":
      await store.removeIdle(idOf(each.text), Infinity, never);
      break;
    case "lose the file":
      await rm(join(subject.directory, "images", `${idOf(each.text)}.sif`), { force: true });
      break;
    case "reopen":
      await subject.reopen(each.isCrash);
      break;
  }
}

async function assertEqual(store: Store, { images }: Model): Promise<void> {
  const list = await store.list();
  assert.deepEqual(
    new Map(
      list.map(({ id, names, borrowers, pinned }) => [
        id,
        {
          tags: new Set(names.tags),
          borrowers: new Map(borrowers.map(({ who: name, reference }) => [name, reference])),
          pinned,
        },
      ]),
    ),
    images,
  );
}
