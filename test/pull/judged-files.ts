import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { TrustRule } from "../../src/config/index.ts";
import { pullToFile, pullToStore } from "../../src/pull/index.ts";
import {
  addSignature,
  metadataText,
  NOW,
  startGpg,
  type Gpg,
} from "../../src/signing/signing-fixture.ts";
import type { Store, StoredImage } from "../../src/store/index.ts";
import { DEFAULT_POLICY, Trust, type TrustPolicy } from "../../src/trust/index.ts";
import { never, setUpPull, type PullSetup } from "../fixtures/pull-setup.ts";
import {
  digestOf,
  makeImage,
  startRegistry,
  type FakeRegistry,
} from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const SIF_LAYER = "application/vnd.sylabs.sif.layer.v1.sif";
const SIF_CONFIG = {
  mediaType: "application/vnd.sylabs.sif.config.v1+json",
  digest: digestOf(Buffer.from("{}")),
  size: 2,
};

/** Of an image that is converted. */
export const LAYERS: readonly Uint8Array[] = [tar([{ path: "f", data: "trusted".repeat(1000) }])];

export const REQUIRED: TrustRule = { mode: "required", signers: [], atLeast: 1 };

/** The file of one and the same image: as it was converted, signed by Alice, and changed after that. */
export type FileName = "unsigned" | "signed" | "broken";

export interface Setup extends PullSetup {
  readonly registry: FakeRegistry;
  /** Puts a file into a repository, as an artifact; answers its reference. */
  readonly put: (file: FileName, repository: string) => string;
  readonly pull: (store: Store, reference: string, trust: Trust) => Promise<StoredImage>;
}

/** Files to be judged, and who judges them. */
export class JudgedFiles {
  readonly gpg: Gpg;
  readonly alice: string;
  readonly #files: Readonly<Record<FileName, Uint8Array>>;

  private constructor(gpg: Gpg, alice: string, files: Readonly<Record<FileName, Uint8Array>>) {
    this.gpg = gpg;
    this.alice = alice;
    this.#files = files;
  }

  static async make(t: TestContext): Promise<JudgedFiles> {
    const gpg = await startGpg(t);
    const alice = await gpg.makeKey("Alice <alice@example.test>");
    const { directory, context, options } = await setUpPull(t);
    await using registry = await startRegistry();
    registry.putImage("app", makeImage({ layers: LAYERS, config: { Env: ["A=1"] } }), "1");
    const path = join(directory, "app.sif");
    const how = { ...options(), force: false };
    await pullToFile(directory, () => path, `${registry.host}/app:1`, context, how, never);
    const unsigned = await readFile(path);
    const text = await gpg.clearSign(await metadataText(unsigned, 1), alice);
    const signed = await addSignature(unsigned, { text, fingerprint: alice });
    const broken = signed.slice();
    // A byte of the configuration, which stands before the partition.
    const at = Buffer.from(broken).indexOf('"A=1"');
    broken[at + 3] = "2".charCodeAt(0);
    return new JudgedFiles(gpg, alice, { unsigned, signed, broken });
  }

  bytesOf(name: FileName): Uint8Array {
    return this.#files[name];
  }

  /** Stores to be, and a registry of its own. */
  async setUp(t: TestContext): Promise<Setup> {
    const registry = await startRegistry();
    t.after(() => registry.close());
    const setup = await setUpPull(t);
    return {
      ...setup,
      registry,
      put: (file, repository) => {
        const bytes = Buffer.from(this.bytesOf(file));
        registry.putBlob(Buffer.from("{}"));
        const layer = { mediaType: SIF_LAYER, digest: registry.putBlob(bytes), size: bytes.length };
        const manifest = {
          schemaVersion: 2,
          mediaType: MANIFEST,
          config: SIF_CONFIG,
          layers: [layer],
        };
        registry.putManifest(repository, Buffer.from(JSON.stringify(manifest)), MANIFEST, "1");
        return `${registry.host}/${repository}:1`;
      },
      pull: async (store, reference, trust) =>
        await pullToStore(store, reference, { ...setup.context, trust }, setup.options(), never),
    };
  }

  /** @param keys - whether Alice's key is known */
  async trusting(policy: Partial<TrustPolicy> = {}, keys: boolean = true): Promise<Trust> {
    return new Trust({
      policy: { ...DEFAULT_POLICY, ...policy },
      keys: keys ? [await this.gpg.ring(this.alice)] : [],
      readText: async (path) => await readFile(path, "utf8"),
      now: () => NOW + 60_000,
    });
  }

  byAlice(): TrustRule {
    return { ...REQUIRED, signers: [{ kind: "openpgp", fingerprint: this.alice }] };
  }
}

export async function namesIn(store: Store): Promise<readonly string[]> {
  return (await store.list()).flatMap(({ names }) => names.tags);
}

export async function assertNothing(store: Store): Promise<void> {
  assert.deepEqual(await store.list(), []);
  assert.deepEqual(await readdir(join(store.directory, "tmp")), []);
  assert.deepEqual(await readdir(store.imagesDirectory), []);
}
