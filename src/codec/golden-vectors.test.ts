import assert from "node:assert/strict";
import { test } from "node:test";
import { OTHER_COMPRESSORS } from "../../test/fixtures/other-compressors.ts";
import { BLOCK_COMPRESSORS, loadCompressorOf } from "./compressor-module.ts";
import { CompressorPool } from "./compressor-pool.ts";
import { codecIdOf, GOLDEN_HASHES, goldenPieces } from "./golden-vectors.ts";
import { CODECS, type CodecSettings } from "./settings.ts";

async function fingerprint(settings: CodecSettings, compressors: string): Promise<string> {
  await using pool = new CompressorPool({ settings, compressors }, { jobs: 1, checksCodec: true });
  return await pool.fingerprint();
}

for (const settings of Object.values(CODECS)) {
  test(`${settings.id} is what this machine makes of the golden vectors`, async () => {
    const found = await fingerprint(settings, BLOCK_COMPRESSORS);
    assert.equal(found, GOLDEN_HASHES[settings.id]);
    assert.equal(codecIdOf(settings, found), settings.id);
  });

  test(`other bytes than those of ${settings.id} go under a name with their hash`, async () => {
    const found = await fingerprint(settings, OTHER_COMPRESSORS);
    assert.notEqual(found, GOLDEN_HASHES[settings.id]);
    assert.match(found, /^[0-9a-f]{64}$/);
    assert.equal(codecIdOf(settings, found), `${settings.id}+${found.slice(0, 16)}`);
    assert.equal(await fingerprint(settings, OTHER_COMPRESSORS), found);
  });

  test(`one level more than that of ${settings.id} is told from it`, async () => {
    const other = { ...settings, level: settings.level + 1 };
    assert.notEqual(await fingerprint(other, BLOCK_COMPRESSORS), GOLDEN_HASHES[settings.id]);
  });

  test(`the golden vectors of ${settings.id} are 2 MiB in pieces up to a block and one more`, () => {
    const lengths = Array.from(goldenPieces(settings.blockSize), ({ length }) => length);
    assert.equal(Math.min(...lengths), 1);
    for (const change of [-1, 0, 1]) assert.ok(lengths.includes(settings.blockSize + change));
    assert.ok(lengths.reduce((sum, length) => sum + length, 0) >= 2 * 1024 * 1024);
  });
}

test("compressors that cannot be loaded fail whoever waits for them", async () => {
  const missing = new URL("./no-such-module.ts", import.meta.url).href;
  await assert.rejects(loadCompressorOf(missing, CODECS.gzip), /no-such-module/);
  await assert.rejects(fingerprint(CODECS.gzip, missing), /no-such-module/);
});
