import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import process from "node:process";
import type { TestContext } from "node:test";
import { random } from "../faults/random.ts";
import type { CriClient } from "../fixtures/daemon/index.ts";
import type { FakeRegistry } from "../fixtures/registry/index.ts";
import { CONFORMANCE, FURTHER, type ImageSpec } from "./image-specs.ts";

/** Why a spec is not held, and how that shows. */
export interface Exception {
  readonly why: string;
  /** As `assert.rejects` takes it. */
  readonly fails: object;
}

/** An image service that has no images, and the registry that it asks for those of the specs. */
export interface SpecSetup {
  /** Opens a client. */
  readonly client: () => CriClient;
  readonly registry: FakeRegistry;
  /** By the name of the spec. */
  readonly exceptions?: Readonly<Record<string, Exception>>;
}

/** SIFLET_SPEC_SEED repeats an order. */
const seed = Number(process.env["SIFLET_SPEC_SEED"] ?? randomInt(2 ** 31));

/**
 * Holds every spec as a test of its own, in another order each time. Each opens its client anew and probes
 * both services, as the conformance tests do; excepted ones have to fail as it is said.
 */
export async function holdSpecs(
  t: TestContext,
  { client: open, registry, exceptions = {} }: SpecSetup,
): Promise<void> {
  t.diagnostic(`SIFLET_SPEC_SEED=${seed}`);
  for (const [name, spec] of shuffled(Object.entries({ ...CONFORMANCE, ...FURTHER }))) {
    const exception = exceptions[name];
    const title = exception === undefined ? name : `not ${name}: ${exception.why}`;
    await t.test(title, async () => {
      using client = open();
      await client.call("RuntimeService", "version");
      await client.fsInfo();
      await (exception === undefined
        ? hold(spec, client, registry)
        : fail(spec, client, registry, exception));
    });
  }
}

/** Holds a spec; nothing of it is left for the next one. */
async function hold(spec: ImageSpec, client: CriClient, registry: FakeRegistry): Promise<void> {
  await spec(client, registry);
  assert.deepEqual(await client.list(), []);
}

async function fail(
  spec: ImageSpec,
  client: CriClient,
  registry: FakeRegistry,
  { fails }: Exception,
): Promise<void> {
  await assert.rejects(spec(client, registry), fails);
  for (const { id } of await client.list()) await client.remove(id);
}

function shuffled<Item>(items: readonly Item[]): readonly Item[] {
  const next = random(seed);
  return items
    .map((item) => ({ item, place: next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
