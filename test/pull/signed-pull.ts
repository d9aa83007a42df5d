import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { TrustedSigner, TrustRule } from "../../src/config/index.ts";
import { pullToStore } from "../../src/pull/index.ts";
import type { Digest } from "../../src/image/index.ts";
import type { Store, StoredImage } from "../../src/store/index.ts";
import {
  DEFAULT_POLICY,
  readContainersPolicy,
  Trust,
  type TrustPolicy,
} from "../../src/trust/index.ts";
import {
  layerOf,
  never,
  payloadFor,
  REPOSITORY,
  type SignedImage,
  startSignedImage,
} from "../cosign/signed-image.ts";
import { keyPair, type KeyPair, signedBy } from "../cosign/sigstore-fixture.ts";
import { setUpPull, type PullSetup } from "../fixtures/pull-setup.ts";

/** Whose keys sign in tests; of no image by themselves. */
export const release: KeyPair = keyPair();
export const second: KeyPair = keyPair("ed25519");

/** A store to be, and a registry with one signed image. */
export interface Setup extends PullSetup {
  readonly on: SignedImage;
  /** `team/app:1.0` in the registry. */
  readonly reference: string;
  /** Whoever has the private key of a file that is written here. */
  readonly signer: (name: string, pem: string) => Promise<TrustedSigner>;
  readonly pull: (store: Store, trust: Trust, reference?: string) => Promise<StoredImage>;
}

export async function setUp(t: TestContext): Promise<Setup> {
  const on = await startSignedImage();
  t.after(() => on[Symbol.asyncDispose]());
  const setup = await setUpPull(t);
  const reference = `${on.registry.host}/${REPOSITORY}:1.0`;
  return {
    ...setup,
    on,
    reference,
    async signer(name, pem) {
      const path = join(setup.directory, name);
      await writeFile(path, pem);
      return { kind: "pem", path };
    },
    pull: async (store, trust, from = reference) =>
      await pullToStore(store, from, { ...setup.context, trust }, setup.options(), never),
  };
}

export function required(...signers: readonly TrustedSigner[]): TrustRule {
  return { mode: "required", signers, atLeast: 1 };
}

/** @param containers - of a policy.json; absent: there is none */
export function trusting(policy: Partial<TrustPolicy>, containers?: string): Trust {
  const readText = async (path: string): Promise<string> => await readFile(path, "utf8");
  return new Trust({
    policy: { ...DEFAULT_POLICY, ...policy },
    keys: [],
    readText,
    now: () => Date.now() + 60_000,
    ...(containers !== undefined && {
      containers: async () =>
        await readContainersPolicy(containers, {
          readText,
          listDirectory: readdir,
          homeDirectory: undefined,
        }),
    }),
  });
}

/** Signs by keys, as cosign does with `--key`. */
export function sign(on: SignedImage, digest: Digest, ...keys: readonly KeyPair[]): void {
  const payload = payloadFor(digest);
  on.tagSignatures(
    digest,
    keys.map((key) => layerOf(payload, signedBy(key.privateKey, payload))),
  );
}

export async function policyFile({ directory }: Setup, policy: object): Promise<string> {
  const path = join(directory, "policy.json");
  await writeFile(path, JSON.stringify(policy));
  return path;
}
