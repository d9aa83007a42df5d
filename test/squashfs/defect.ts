import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_LIMITS } from "../../src/base/index.ts";
import { openSquashfs } from "../../src/squashfs/index.ts";
import { readWholeImage } from "../fixtures/sample-squashfs.ts";
import { never, strictSource } from "../fixtures/small-squashfs.ts";
import { SquashfsEditor, SUPERBLOCK } from "../fixtures/squashfs-editor.ts";

/**
 * A good image with one thing wrong that some reader refuses, or falls over. Ours reads an image to
 * its last byte and must meet it.
 */
export interface Defect {
  readonly name: string;
  readonly code: string;
  readonly edit: (image: SquashfsEditor) => unknown;
}

export async function readImage(bytes: Uint8Array): Promise<unknown> {
  const reader = await openSquashfs(strictSource(bytes), { limits: DEFAULT_LIMITS }, never);
  return await readWholeImage(reader);
}

/** One test for each row, and one that the image without defects is read. */
export function testDefects(good: () => Uint8Array, rows: readonly Defect[]): void {
  test("the image without defects is read", async () => {
    await readImage(good());
  });
  for (const { name, code, edit } of rows) {
    test(`${name} is ${code}`, async () => {
      const editor = new SquashfsEditor(good());
      edit(editor);
      await assert.rejects(readImage(editor.bytes), { code });
    });
  }
}

/** Sets one field of the superblock. */
export function setField(
  field: keyof typeof SUPERBLOCK,
  bits: 16 | 32 | 64,
  value: number | bigint,
): Defect["edit"] {
  return (image) => {
    const at = SUPERBLOCK[field];
    if (bits === 16) return image.set16(at, Number(value));
    return bits === 32 ? image.set32(at, Number(value)) : image.set64(at, value);
  };
}
