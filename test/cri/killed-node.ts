import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { status as codes } from "@grpc/grpc-js";
import { hashFile } from "../../src/base/index.ts";
import { openStore } from "../../src/store/index.ts";
import { checkStore } from "../../src/upkeep/index.ts";
import {
  DaemonPlace,
  type ClientImage,
  type CriClient,
  type RunningDaemon,
} from "../fixtures/daemon/index.ts";
import { makeSif } from "../fixtures/make-sif.ts";
import {
  makeImage,
  startRegistry,
  type FakeRegistry,
  type FixtureImage,
} from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { noiseBytes, run, textBytes } from "../real/index.ts";
import { REGISTRIES, startSpecRegistry } from "./spec-images.ts";

const never = new AbortController().signal;

const OWNER = "runtime";
/** What the database may have written since the store was measured. */
const SLACK_BYTES = 1024 * 1024;
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const EMPTY = "application/vnd.oci.empty.v1+json";
const SIF_LAYER = "application/vnd.sylabs.sif.layer.v1.sif";

/** What goes on when the daemon is killed. */
export interface Round {
  readonly client: CriClient;
  readonly pulls: readonly Promise<unknown>[];
  readonly removals: readonly Promise<unknown>[];
  readonly registry: FakeRegistry;
  /** Path of a layer of each image that is pulled and has layers, which only that image has. */
  readonly blobs: readonly string[];
}

/** What clients had been told when the daemon died. */
export interface Answered {
  readonly pulls: readonly boolean[];
  readonly removals: readonly boolean[];
}

/** Returns when the daemon is to be killed. */
export type Instant = (round: Round) => Promise<void>;

/** An image, as it is told when it is there. */
interface App {
  readonly name: string;
  readonly image: FixtureImage | undefined;
  readonly told: ClientImage;
}

/**
 * A node whose daemon is killed in the middle of pulls and removals, over and over, and that has to be
 * right about its images whenever it is back. Of its images some are pulled and others removed, and the other
 * way round the next time; one is borrowed and stays.
 */
export class KilledNode implements AsyncDisposable {
  readonly place: DaemonPlace;
  readonly registry: FakeRegistry;
  /** Has the images of the specs. */
  readonly specRegistry: FakeRegistry;
  readonly #parts: AsyncDisposable;
  readonly #kept: string;
  #present: readonly App[] = [];
  #absent: readonly App[] = [];
  #daemon: RunningDaemon;
  /** Whether the round before was right: after one that was not nobody knows what is there. */
  #isSound = true;

  private constructor(
    parts: AsyncDisposable,
    { place, registry, specRegistry }: Pick<KilledNode, "place" | "registry" | "specRegistry">,
    kept: string,
    daemon: RunningDaemon,
  ) {
    this.#parts = parts;
    this.place = place;
    this.registry = registry;
    this.specRegistry = specRegistry;
    this.#kept = kept;
    this.#daemon = daemon;
  }

  static async make(): Promise<KilledNode> {
    await using starting = new AsyncDisposableStack();
    const registry = starting.use(await startRegistry());
    const specRegistry = starting.use(await startSpecRegistry());
    const place = starting.use(await DaemonPlace.make());
    for (const name of REGISTRIES) await place.mirror(name, specRegistry.url);
    // Without converted layers each pull does all of its work.
    await place.configure("cache:\n  maxBytes: 0");
    const daemon = await place.start();
    using client = daemon.client();
    // One image under the names of two registries.
    const kept = await client.pull("registry.k8s.io/pause:3.9");
    assert.equal(await client.pull("k8s.gcr.io/pause:3.9"), kept);
    const expiresAtMs = String(Date.now() + 3_600_000);
    const borrow = { image: kept, owner: OWNER, expiresAtMs, note: "a container" };
    await client.call("AdminService", "borrowAndPath", borrow);
    const apps = [];
    for (const [name, image] of putApps(registry)) {
      const id = await client.pull(name);
      const told = await client.status(id);
      assert.ok(told !== null);
      apps.push({ name, image, told });
    }
    const node = new KilledNode(starting.move(), { place, registry, specRegistry }, kept, daemon);
    const gone = apps.filter((_, index) => index % 2 === 0);
    for (const { name } of gone) await client.remove(name);
    node.#absent = gone;
    node.#present = apps.filter((app) => !gone.includes(app));
    return node;
  }

  /** A client of its own of the daemon as it is now. */
  client(): CriClient {
    return this.#daemon.client();
  }

  /**
   * Kills the daemon at an instant, starts it again and asserts all that has to be true.
   *
   * @param stallAt - after so many bytes each of the round's blobs comes no further
   */
  async round(instant: Instant, stallAt?: number): Promise<Answered> {
    assert.ok(this.#isSound, "the round before has failed");
    this.#isSound = false;
    const before = await this.#borrows();
    const pulled = this.#absent;
    if (stallAt !== undefined) {
      for (const path of pulled.flatMap(blobPath)) {
        this.registry.addFault(path, { stallAt, method: "GET", times: 1 });
      }
    }
    const removed = this.#present;
    const answered = await this.#killed(pulled, removed, instant);

    this.#daemon = await this.place.start();
    using client = this.client();
    await this.#assertWhole(client, [...pulled, ...removed]);
    for (const [index, { name, told }] of pulled.entries()) {
      // Whoever was told of an image finds it.
      if (answered.pulls[index] === true) assert.deepEqual(await client.status(name), told);
    }
    for (const [index, { name }] of removed.entries()) {
      if (answered.removals[index] === true) assert.equal(await client.status(name), null, name);
    }
    assert.deepEqual(await this.#borrows(), before);
    await assert.rejects(client.remove(this.#kept), { code: codes.FAILED_PRECONDITION });

    await this.#goOn(client, pulled, removed);
    this.#present = pulled;
    this.#absent = removed;
    this.#isSound = true;
    return answered;
  }

  /** Removes every image; the daemon goes on. */
  async empty(): Promise<void> {
    using client = this.client();
    await client.call("AdminService", "return", { image: this.#kept, owner: OWNER });
    for (const { id } of await client.list()) await client.remove(id);
  }

  async #killed(
    pulled: readonly App[],
    removed: readonly App[],
    instant: Instant,
  ): Promise<Answered> {
    using client = this.client();
    // So that what is sent now is not sent later, to another daemon.
    await client.fsInfo();
    const pulls = pulled.map(({ name }) => client.pull(name));
    const removals = removed.map(({ name }) => client.remove(name));
    const ended = Promise.all([Promise.allSettled(pulls), Promise.allSettled(removals)]);
    const blobs = pulled.flatMap(blobPath);
    await instant({ client, pulls, removals, registry: this.registry, blobs });
    await this.#daemon.kill();
    const [ofPulls, ofRemovals] = await ended;
    return { pulls: ofPulls.map(isFulfilled), removals: ofRemovals.map(isFulfilled) };
  }

  /** Asserts what has to be true of a daemon that is back, before anything else is asked of it. */
  async #assertWhole(client: CriClient, apps: readonly App[]): Promise<void> {
    const { imageFilesystems } = await client.fsInfo();
    const images = await client.list();
    assert.deepEqual((await client.stream()).flat(), images);
    assert.ok(images.some(({ id }) => id === this.#kept));
    for (const image of images) {
      assert.deepEqual(await client.status(image.id), image);
      const path = join(this.place.store, `images/${image.id}.sif`);
      assert.equal(await hashFile(path, never), image.id);
      if (image.id === this.#kept) continue;
      // All of it or nothing: same id, same names, same size.
      assert.deepEqual(image, apps.find(({ told }) => told.id === image.id)?.told);
    }
    assert.deepEqual(await readdir(join(this.place.store, "tmp")), []);
    assert.deepEqual(await readdir(dirname(this.place.socket)), [basename(this.place.socket)]);
    await this.#assertUsage(imageFilesystems[0]?.usedBytes?.value, images);
  }

  async #assertUsage(told: string | undefined, images: readonly ClientImage[]): Promise<void> {
    const used = Number(told);
    const least = images.reduce((sum, { size }) => sum + Number(size), 0);
    const [most = ""] = (await run("du", ["-s", "--block-size=1", this.place.store])).split("\t");
    assert.ok(used >= least, `${used} bytes are used by images of ${least}`);
    assert.ok(used <= Number(most) + SLACK_BYTES, `${used} bytes are used of ${most}`);
  }

  /** Does again what was cut off: it has the same ids, and leaves a store with nothing wrong in it. */
  async #goOn(client: CriClient, pulled: readonly App[], removed: readonly App[]): Promise<void> {
    this.registry.requests.length = 0;
    await Promise.all([
      ...pulled.map(async ({ name, told }) => {
        assert.equal(await client.pull(name), told.id);
        assert.deepEqual(await client.status(name), told);
      }),
      ...removed.map(async ({ name }) => {
        await client.remove(name);
        assert.equal(await client.status(name), null);
      }),
    ]);
    // Also what was there is asked for, so that nobody has it who may not.
    for (const { name } of pulled) {
      const part = `/${repositoryOf(name)}/`;
      assert.ok(this.registry.requests.some(({ path }) => path.includes(part)));
    }
    const ids = [this.#kept, ...pulled.map(({ told }) => told.id)].sort();
    assert.deepEqual(
      (await client.list()).map(({ id }) => id),
      ids,
    );
    const bootId = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
    const machine = { host: hostname(), bootId, now: Date.now };
    await using store = await openStore({
      directory: this.place.store,
      readOnly: true,
      ...machine,
    });
    const check = { deep: true, repair: false, now: Date.now() };
    assert.deepEqual((await checkStore(store, check, never)).faults, []);
    assert.deepEqual(await readdir(join(this.place.store, "tmp")), []);
  }

  async #borrows(): Promise<unknown> {
    using client = this.client();
    return await client.call("AdminService", "listBorrows");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]();
  }
}

function isFulfilled({ status }: PromiseSettledResult<unknown>): boolean {
  return status === "fulfilled";
}

function blobPath({ name, image }: App): readonly string[] {
  const digest = image?.layers[0]?.digest;
  return digest === undefined ? [] : [`/v2/${repositoryOf(name)}/blobs/${digest}`];
}

function repositoryOf(name: string): string {
  return name.slice(name.indexOf("/") + 1, name.lastIndexOf(":"));
}

/** Images of layers of their own and shared ones, and two that are SIFs. */
function putApps(registry: FakeRegistry): readonly (readonly [string, FixtureImage | undefined])[] {
  const shared = tar([{ path: "shared", data: textBytes("shared", 400_000) }]);
  const layered = [0, 1, 2, 3].map((number) => {
    const own = tar([
      { path: "noise", data: noiseBytes(`noise ${number}`, 300_000) },
      { path: "text", data: textBytes(`text ${number}`, 300_000) },
    ]);
    const image = makeImage({ layers: [own, shared] });
    registry.putImage(`app-${number}`, image, "1");
    return [`${registry.host}/app-${number}:1`, image] as const;
  });
  const config = { mediaType: EMPTY, digest: registry.putBlob(Buffer.from("{}")), size: 2 };
  const sifs = [0, 1].map((number) => {
    const { bytes } = makeSif({ seed: `sif ${number}`, size: 2_000_000 });
    const layers = [{ mediaType: SIF_LAYER, digest: registry.putBlob(bytes), size: bytes.length }];
    const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers };
    registry.putManifest(`sif-${number}`, Buffer.from(JSON.stringify(manifest)), MANIFEST, "1");
    return [`${registry.host}/sif-${number}:1`, undefined] as const;
  });
  return [...layered, ...sifs];
}
