import assert from "node:assert/strict";
import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { runBeside, type RunBeside } from "../../src/base/index.ts";
import { checkFiles, housekeepingOf } from "../../src/cli/serve-housekeeping.ts";
import {
  configPlaces,
  readConfigFile,
  resolveConfig,
  type Config,
} from "../../src/config/index.ts";
import { DaemonPlace } from "../fixtures/daemon/index.ts";
import { makeImage, startRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { PROGRAM } from "../fixtures/program.ts";

const never = new AbortController().signal;
const HOUR_MS = 3_600_000;

async function configOf(place: DaemonPlace): Promise<Config> {
  const surroundings = {
    variables: {},
    workingDirectory: place.directory,
    homeDirectory: place.directory,
    isRoot: false,
    parallelism: 2,
  };
  const parsed = await readConfigFile(configPlaces(place.configFile, surroundings));
  return resolveConfig({}, parsed?.file, surroundings);
}

/** Runs this clone, as the daemon runs itself. */
async function runClone(words: readonly string[], signal: AbortSignal): Promise<RunBeside> {
  return await runBeside(["--disable-warning=ExperimentalWarning", PROGRAM, ...words], signal);
}

test("the check beside a daemon finds a damaged image and has the next pull bring it back", async () => {
  await using registry = await startRegistry();
  registry.putImage("app", makeImage({ layers: [tar([{ path: "f", data: "checked" }])] }), "1");
  await using place = await DaemonPlace.make();
  await place.configure();
  const daemon = await place.start();
  using client = daemon.client();
  const reference = `${registry.host}/app:1`;
  const id = await client.pull(reference);
  const config = await configOf(place);
  const service = { runBeside: runClone };
  assert.deepEqual(await checkFiles(config, service, never), { images: 1, faults: [] });
  await truncate(join(place.store, "images", `${id}.sif`), 100);
  const { images, faults } = await checkFiles(config, service, never);
  assert.equal(images, 1);
  assert.equal(faults.length, 1);
  assert.match(faults[0] ?? "", /\.sif: expected .* bytes, got 100/);
  assert.deepEqual(await client.list(), []);
  assert.equal(await client.pull(reference), id);
});

test("a check that ends without a result is a failure, and one that is stopped is stopped", async () => {
  await using place = await DaemonPlace.make();
  await place.configure();
  const config = await configOf(place);
  for (const stdout of ["", "{", "[]", '{"images":"1","faults":[]}']) {
    const service = { runBeside: () => Promise.resolve({ exitCode: 9, stdout }) };
    await assert.rejects(checkFiles(config, service, never), /ended with 9/);
  }
  const stop = AbortSignal.abort(new Error("stopping"));
  await assert.rejects(checkFiles(config, { runBeside: runClone }, stop), /stopping/);
});

test("housekeeping is off unless the configuration says what to do", async () => {
  await using place = await DaemonPlace.make();
  const policyOf = async (text: string): Promise<ReturnType<typeof housekeepingOf>> => {
    await place.configure(text);
    return housekeepingOf(await configOf(place));
  };
  const off = { collection: undefined, checkEveryMs: undefined };
  assert.deepEqual(await policyOf(""), off);
  assert.deepEqual(await policyOf("daemon: {gcLowPercent: 50, gcMinAgeSeconds: 9}"), off);
  assert.deepEqual(await policyOf("daemon: {gcHighPercent: 90, checkEveryHours: 2}"), {
    collection: { highPercent: 90, lowPercent: 80, minAgeMs: 120_000, maxAgeMs: undefined },
    checkEveryMs: 2 * HOUR_MS,
  });
  assert.deepEqual((await policyOf("daemon: {gcMaxAgeHours: 3}")).collection, {
    highPercent: undefined,
    lowPercent: 80,
    minAgeMs: 120_000,
    maxAgeMs: 3 * HOUR_MS,
  });
  await assert.rejects(policyOf("daemon: {gcHighPercent: 80}"), {
    code: "USAGE",
    message:
      /config\.yaml:\d+: daemon\.gcHighPercent: expected more than gcLowPercent, which is 80/,
  });
});
