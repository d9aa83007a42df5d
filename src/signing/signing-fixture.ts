import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import type { ByteSource } from "../base/index.ts";
import {
  DATA_TYPES,
  FILE_SYSTEMS,
  PARTITION_TYPES,
  partitionExtra,
  planAddition,
  planSif,
  readSif,
  signedDescriptorBytes,
  signedHeaderBytes,
  type SifAddition,
  type SifLink,
  type SifObjectInput,
} from "../sif/index.ts";
import { KeyRing, readKeys } from "./key-ring.ts";
import { hashFor } from "./digest-text.ts";
import { signatureExtra, type SIGNATURE_HASHES } from "./signature-object.ts";

export const never: AbortSignal = new AbortController().signal;
export const NOW: number = Date.now();

export function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: async (position, length) => {
      if (position + length > bytes.length) throw new RangeError("past the end");
      return await Promise.resolve(bytes.slice(position, position + length));
    },
  };
}

/** An object of a test's file. */
export interface TestObject extends Partial<SifObjectInput> {
  readonly data: Uint8Array;
}

export const SYSTEM: TestObject = {
  dataType: DATA_TYPES.partition,
  groupId: 1,
  extra: partitionExtra({
    fileSystem: FILE_SYSTEMS.squashfs,
    partitionType: PARTITION_TYPES.primarySystem,
    architecture: "02",
  }),
  data: Buffer.alloc(4096, "system"),
};

/** A file of one group: a definition, a configuration and the primary partition. */
export const ONE_GROUP: readonly TestObject[] = [
  { dataType: DATA_TYPES.definition, groupId: 1, data: Buffer.from("bootstrap: docker\n") },
  {
    dataType: DATA_TYPES.json,
    groupId: 1,
    name: "oci-config.json",
    data: Buffer.from('{"Env":["A=b"]}'),
  },
  SYSTEM,
];

export function makeSif(objects: readonly TestObject[] = ONE_GROUP): Uint8Array {
  const inputs = objects.map(({ data, ...more }) => ({
    dataType: DATA_TYPES.raw,
    groupId: 1,
    ...more,
    size: data.length,
  }));
  const hasSystem = objects.some(({ dataType }) => dataType === DATA_TYPES.partition);
  const plan = planSif({ architecture: hasSystem ? "02" : "00", objects: inputs });
  const bytes = new Uint8Array(plan.size);
  bytes.set(plan.head);
  plan.objects.forEach(({ offset }, at) => {
    bytes.set(objects[at]?.data ?? new Uint8Array(0), offset);
  });
  return bytes;
}

/** What the reference signs of a group: its metadata, written independently of what reads it. */
export async function metadataText(
  file: Uint8Array,
  groupId: number,
  algorithm = "sha256",
): Promise<string> {
  const { header, descriptors } = await readSif(sourceOf(file), never);
  const digest = (bytes: Uint8Array): string =>
    `${algorithm}:${hashFor(algorithm).update(bytes).digest("hex")}`;
  const group = descriptors.filter((one) => one.groupId === groupId);
  const first = Math.min(...group.map(({ id }) => id));
  const objects = group.map((object) => ({
    relativeId: object.id - first,
    descriptorDigest: digest(signedDescriptorBytes(object, object.id - first)),
    objectDigest: digest(file.subarray(object.offset, object.offset + object.size)),
  }));
  const header_ = { digest: digest(signedHeaderBytes(header)) };
  return JSON.stringify({ version: 1, header: header_, objects });
}

/** Adds an object that holds a signature. */
export async function addSignature(
  file: Uint8Array,
  signature: {
    readonly text: string;
    readonly fingerprint?: string;
    readonly link?: SifLink;
    readonly hash?: keyof typeof SIGNATURE_HASHES;
    readonly groupId?: number;
  },
): Promise<Uint8Array> {
  const { text, fingerprint = "", link = { kind: "group", id: 1 }, hash = "sha256" } = signature;
  const extra = signatureExtra(hash, fingerprint);
  const record = {
    dataType: DATA_TYPES.signature,
    groupId: signature.groupId,
    link,
    name: "",
    extra,
  };
  const metadata = await readSif(sourceOf(file), never);
  return withPatches(file, planAddition(metadata, [{ record, bytes: Buffer.from(text) }], 0n));
}

/** A GnuPG home of a test's own. */
export interface Gpg {
  readonly home: string;
  readonly run: (...args: readonly string[]) => Promise<Buffer>;
  /** Makes a key without a passphrase; answers its fingerprint in lower case. */
  readonly makeKey: (name: string, ...more: readonly string[]) => Promise<string>;
  readonly clearSign: (text: string, key: string, ...more: readonly string[]) => Promise<string>;
  readonly revoke: (key: string) => Promise<void>;
  /** The public keys, as a keyring of siflet's. */
  readonly ring: (...keys: readonly string[]) => Promise<KeyRing>;
}

export async function startGpg(t: TestContext | { after: TestContext["after"] }): Promise<Gpg> {
  // Its agent's socket lies below: paths of sockets are short.
  const home = await mkdtemp(join(tmpdir(), "sfg-"));
  const execute = promisify(execFile);
  const run = async (...args: readonly string[]): Promise<Buffer> => {
    const options = [
      "--homedir",
      home,
      "--batch",
      "--yes",
      "--quiet",
      "--pinentry-mode",
      "loopback",
    ];
    const { stdout } = await execute("gpg", [...options, "--passphrase", "", ...args], {
      encoding: "buffer",
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  };
  t.after(async () => {
    await execute("gpgconf", ["--homedir", home, "--kill", "all"]);
    await rm(home, { recursive: true, force: true });
  });
  const file = join(home, "text");
  return {
    home,
    run,
    async makeKey(name, algorithm = "ed25519", usage = "sign", expires = "never") {
      await run("--quick-generate-key", name, algorithm, usage, expires);
      const listing = String(await run("--with-colons", "--list-keys", `=${name}`));
      return (/^fpr:+([0-9A-F]{40}):/m.exec(listing)?.[1] ?? "").toLowerCase();
    },
    async clearSign(text, key, ...more) {
      await writeFile(file, text);
      const signed = await run(...more, "-u", key, "--clearsign", "-o", "-", file);
      return String(signed).trimEnd();
    },
    async revoke(key) {
      const path = join(home, "openpgp-revocs.d", `${key.toUpperCase()}.rev`);
      // GnuPG makes one with each key, with a colon before it so that it is not imported by mistake.
      await writeFile(file, (await readFile(path, "utf8")).replace(/^:---/m, "---"));
      await run("--import", file);
    },
    async ring(...keys) {
      const bytes = await run("--export", ...keys);
      return new KeyRing(async () => await readKeys(bytes, `${home}/pubring`));
    },
  };
}

/** The file with what `planAddition` adds. */
export function withPatches(file: Uint8Array, { patches, size }: SifAddition): Uint8Array {
  const bytes = new Uint8Array(Math.max(size, file.length));
  bytes.set(file);
  for (const patch of patches) bytes.set(patch.bytes, patch.offset);
  return bytes;
}
