import assert from "node:assert/strict";
import { LimitError } from "../../src/base/index.ts";
import { LayerError } from "../../src/layers/index.ts";
import { readTarUntil, type ReadEntry } from "../fixtures/tar/index.ts";
import { fuzzTarget, type FuzzTarget } from "./fuzz-target.ts";
import { tarInput, type TarInput } from "./tar-inputs.ts";

const SLASH = 0x2f;

/** Archives, whole and in chunks: the same entries, warnings and refusal, and all of them sound. */
export const tarTarget: FuzzTarget = fuzzTarget({
  inputs: tarInput,
  answer({ archive, limits, chunks }) {
    const whole = told(archive, limits);
    assert.deepEqual(told(archive, limits, chunks), whole, "another answer in chunks");
    for (const entry of whole.entries) assertSound(entry);
    return whole.code;
  },
  show: ({ archive, limits, chunks }) =>
    `${JSON.stringify({ limits, chunks })} ${Buffer.from(archive).toString("base64")}`,
  batch: 1000,
});

interface Told {
  readonly entries: readonly ReadEntry[];
  readonly warnings: readonly string[];
  readonly code: string;
  /** Names place and reason, which no chunking changes. */
  readonly message: string;
}

function told(
  archive: Uint8Array,
  limits: TarInput["limits"],
  chunkBytes?: readonly number[],
): Told {
  const options = chunkBytes === undefined ? { limits } : { limits, chunkBytes };
  const { entries, warnings, failure } = readTarUntil(archive, options);
  if (failure === undefined) return { entries, warnings, code: "read", message: "" };
  const { error } = failure;
  if (!(error instanceof LayerError || error instanceof LimitError)) throw error;
  return { entries, warnings, code: error.code, message: error.message };
}

/** What `TarEntry` promises, whatever the archive says. */
function assertSound(entry: ReadEntry): void {
  const { kind, path, mode, uid, gid, mtime, size, linkTarget, deviceMajor, deviceMinor } = entry;
  assert.ok(isClean(path), "a path that is not clean");
  assert.ok(path.length > 0 || kind === "directory", "a root that is no directory");
  assert.ok(isWithin(mode, 0o7777));
  assert.ok(isWithin(uid, 2 ** 32 - 2) && isWithin(gid, 2 ** 32 - 2), "an owner out of range");
  assert.ok(Number.isInteger(mtime) && Math.abs(mtime) <= 2 ** 53 && !Object.is(mtime, -0));
  assert.ok(isWithin(deviceMajor, 4095) && isWithin(deviceMinor, 2 ** 20 - 1));
  assert.ok(kind === "file" ? isWithin(size, Number.MAX_SAFE_INTEGER) : size === 0);
  const isLink = kind === "symlink" || kind === "hardlink";
  assert.equal(linkTarget.length > 0, isLink, "a link without a target, or a target without one");
  assert.ok(kind !== "hardlink" || isClean(linkTarget), "a target that is not clean");
  const names = entry.xattrs.map(({ name }) => Buffer.from(name).toString("latin1"));
  assert.deepEqual(names, [...new Set(names)].sort(), "attributes out of order, or twice");
}

function isWithin(value: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= most && !Object.is(value, -0);
}

function isClean(path: Uint8Array): boolean {
  if (path.length === 0) return true;
  if (path.includes(0) || path[0] === SLASH || path.at(-1) === SLASH) return false;
  const names = Buffer.from(path).toString("latin1").split("/");
  return names.every((name) => name !== "" && name !== "." && name !== "..");
}
