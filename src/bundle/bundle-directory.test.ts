import assert from "node:assert/strict";
import {
  cp,
  mkdir,
  mkdtempDisposable,
  readdir,
  rename,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { bundlePath, findBundle, makeBundleDirectory } from "./bundle-directory.ts";
import { MARKER_NAME, readMarker, writeMarker, type Marker } from "./marker.ts";

const UID = process.geteuid?.() ?? 0;

async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-bundle-"));
  t.after(() => directory.remove());
  return directory.path;
}

async function newBundle(directory: string): Promise<Marker> {
  const inode = await makeBundleDirectory(directory);
  const marker = { image: "ab", borrower: "bundle h:/x", store: "/store", directory, inode };
  await writeMarker(join(directory, MARKER_NAME), marker);
  return marker;
}

test("a marker is read as it was written", async (t) => {
  const bundle = join(await newDirectory(t), "b");
  const marker = await newBundle(bundle);
  const { inode } = marker;
  assert.deepEqual(await findBundle(bundle, UID), { marker, inode, isCopy: false });
});

test("where nothing is there is no bundle, also where there is no directory above", async (t) => {
  const directory = await newDirectory(t);
  await writeFile(join(directory, "file"), "");
  for (const path of ["absent", "absent/b", "file/b"]) {
    assert.equal(await findBundle(join(directory, path), UID), undefined);
  }
});

test("a bundle that was moved is the same one, a copy of it is another one", async (t) => {
  const directory = await newDirectory(t);
  await newBundle(join(directory, "a"));
  await cp(join(directory, "a"), join(directory, "copy"), { recursive: true });
  await rename(join(directory, "a"), join(directory, "moved"));
  assert.equal((await findBundle(join(directory, "moved"), UID))?.isCopy, false);
  assert.equal((await findBundle(join(directory, "copy"), UID))?.isCopy, true);
});

const strangers: readonly {
  readonly name: string;
  readonly make: (path: string) => Promise<void>;
}[] = [
  {
    name: "a file",
    make: async (path) => {
      await writeFile(path, "");
    },
  },
  {
    name: "an empty directory",
    make: async (path) => {
      await mkdir(path);
    },
  },
  {
    name: "a link to a bundle",
    make: async (path) => {
      await newBundle(`${path}-real`);
      await symlink(`${path}-real`, path);
    },
  },
  {
    name: "a bundle with a file of somebody else",
    make: async (path) => {
      await newBundle(path);
      await writeFile(join(path, "notes.txt"), "");
    },
  },
  {
    name: "a directory whose marker is a link",
    make: async (path) => {
      await newBundle(`${path}-real`);
      await mkdir(path);
      await symlink(join(`${path}-real`, MARKER_NAME), join(path, MARKER_NAME));
    },
  },
  {
    name: "a directory whose marker is a directory",
    make: async (path) => {
      await mkdir(join(path, MARKER_NAME), { recursive: true });
    },
  },
  ...[
    "",
    "{}",
    "null",
    '{"format":2,"image":"a","borrower":"b","store":"c","directory":"d","inode":"1"}',
    '{"format":1,"image":"a","borrower":"b","store":"c","directory":"d","inode":1}',
    '{"format":1,"image":"a","borrower":"","store":"c","directory":"d","inode":"1"}',
    '{"format":1,"format":1,"image":"a","borrower":"b","store":"c","directory":"d","inode":"1"}',
    "x".repeat(100_000),
  ].map((text) => ({
    name: `a marker of ${JSON.stringify(text.slice(0, 30))}`,
    make: async (path: string) => {
      await mkdir(path);
      await writeFile(join(path, MARKER_NAME), text);
    },
  })),
];

for (const { name, make } of strangers) {
  test(`what is not ours is no bundle: ${name}`, async (t) => {
    const path = join(await newDirectory(t), "b");
    await make(path);
    await assert.rejects(findBundle(path, UID), { code: "BUNDLE_NOT_OURS" });
  });
}

test("another user's bundle is not ours, nor what another user wrote into ours", async (t) => {
  const path = join(await newDirectory(t), "b");
  await newBundle(path);
  await assert.rejects(findBundle(path, UID + 1), {
    code: "BUNDLE_NOT_OURS",
    message: /belongs to/,
  });
  const marker = readMarker(join(path, MARKER_NAME), UID + 1);
  await assert.rejects(marker, { code: "BUNDLE_NOT_OURS", message: /belongs to/ });
});

test("a bundle is made where nothing is, for its owner alone", async (t) => {
  const directory = await newDirectory(t);
  const path = await bundlePath(join(directory, "b"));
  await makeBundleDirectory(path);
  assert.deepEqual(await readdir(directory), ["b"]);
  await symlink("nowhere", join(directory, "dangling"));
  for (const name of ["b", "dangling"]) {
    await assert.rejects(makeBundleDirectory(join(directory, name)), { code: "BUNDLE_EXISTS" });
  }
  await assert.rejects(bundlePath(join(directory, "absent/b")), { code: "BUNDLE_DIRECTORY" });
});

test("links above a bundle are followed, once", async (t) => {
  const directory = await newDirectory(t);
  await mkdir(join(directory, "real"));
  await symlink("real", join(directory, "link"));
  const real = await bundlePath(join(directory, "real/b"));
  assert.equal(await bundlePath(join(directory, "link/b")), real);
});

test("where nothing can be made no bundle is", async () => {
  await assert.rejects(makeBundleDirectory("/proc/siflet-bundle"), { code: "BUNDLE_DIRECTORY" });
});
