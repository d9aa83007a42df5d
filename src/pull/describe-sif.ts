import { openFileSource } from "../base/index.ts";
import { ociConfigJson, parseOciConfig, parseStrictJson, type Platform } from "../image/index.ts";
import {
  DATA_TYPES,
  FILE_SYSTEMS,
  goArchName,
  primaryPartition,
  readObject,
  readSif,
  SifError,
} from "../sif/index.ts";
import { ociSif } from "./resolve-image.ts";

/** Longer ones no image needs: registries refuse larger configurations. */
const MAX_CONFIG_BYTES = 8 * 1024 * 1024;
const CONFIG_NAME = "oci-config.json";

/** What a finished SIF file tells of its image. */
export interface SifFacts {
  /** Bytes. */
  readonly size: number;
  readonly platform: Platform;
  /** Its `oci-config.json` in canonical form; absent where it has none. */
  readonly ociConfigJson?: string;
  /** Whether it holds a signature object, valid or not. */
  readonly isSigned: boolean;
  /** Whether its root file system is encrypted. */
  readonly isEncrypted: boolean;
}

/**
 * Reads what the SIF at `path` says of itself. Without it an image would lose its user and start as
 * root, so a configuration that cannot be read is an error.
 *
 * @throws SifError as `readSif`, and `SIF_OBJECT` without a primary system partition or with two
 *   configurations; ImageError `JSON_INVALID`, `CONFIG_INVALID`, `OCI_SIF`; system errors as they are
 */
export async function describeSif(path: string, signal: AbortSignal): Promise<SifFacts> {
  await using file = await openFileSource(path);
  const metadata = await readSif(file, signal);
  if (metadata.descriptors.some(({ dataType }) => dataType === DATA_TYPES.ociRootIndex)) {
    throw ociSif(path);
  }
  const partition = primaryPartition(metadata);
  if (partition === undefined) {
    throw new SifError("SIF_OBJECT", `${path}: expected a primary system partition, got none`);
  }
  const configs = metadata.descriptors.filter(
    ({ dataType, name }) => dataType === DATA_TYPES.json && name === CONFIG_NAME,
  );
  if (configs.length > 1) {
    const message = `expected one ${CONFIG_NAME}, got ${configs.length}`;
    throw new SifError("SIF_OBJECT", `${path}: ${message}`);
  }
  const [config] = configs;
  const bytes = config && (await readObject(file, config, MAX_CONFIG_BYTES, signal));
  return {
    size: file.size,
    platform: { os: "linux", architecture: goArchName(partition.architecture) ?? "unknown" },
    ...(bytes === undefined ? {} : { ociConfigJson: canonicalConfig(bytes, path) }),
    isSigned: metadata.descriptors.some(({ dataType }) => dataType === DATA_TYPES.signature),
    isEncrypted: partition.fileSystem === FILE_SYSTEMS.encryptedSquashfs,
  };
}

function canonicalConfig(bytes: Uint8Array, path: string): string {
  const what = `${path}: ${CONFIG_NAME}`;
  return Buffer.from(ociConfigJson(parseOciConfig(parseStrictJson(bytes, what), what))).toString();
}
