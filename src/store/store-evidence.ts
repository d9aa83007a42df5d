import type { DatabaseClient } from "./database-client.ts";
import type { KeptSignatures, ObjectDigestMap } from "./operations.ts";
import type { DeliveredLayer, ManifestKey, ManifestRecord } from "./stored-image.ts";

/**
 * What a store was shown once, by which it is decided later without being shown again: who delivered
 * which blobs, what a manifest holds, which digests and signatures an image has. Throws as `Store` does.
 */
export class StoreEvidence {
  readonly #client: DatabaseClient;
  readonly #requireWriter: (what: string) => void;

  /** @param requireWriter - throws StoreError `STORE_READ_ONLY` where the store may only be read */
  constructor(client: DatabaseClient, requireWriter: (what: string) => void) {
    this.#client = client;
    this.#requireWriter = requireWriter;
  }

  /** Records that `host` delivered these blobs in full and that they unpacked to these diffIDs. */
  async recordDeliveries(host: string, layers: readonly DeliveredLayer[]): Promise<void> {
    this.#requireWriter("record deliveries");
    await this.#client.call("recordDeliveries", { host, layers });
  }

  /** Whether every one of `layers` is recorded as delivered by `host` (design decision 4). */
  async delivered(host: string, layers: readonly DeliveredLayer[]): Promise<boolean> {
    return await this.#client.call("delivered", { host, layers });
  }

  /** Records the content that a manifest of a repository was found to hold. */
  async recordManifest(record: ManifestRecord): Promise<void> {
    this.#requireWriter("record a manifest");
    await this.#client.call("recordManifest", record);
  }

  /** The content key recorded for a manifest of this very repository. */
  async manifestContent(key: ManifestKey): Promise<string | undefined> {
    return await this.#client.call("manifestContent", key);
  }

  /** Remembers digests of objects of an image's file, so that signatures are judged again without reading it. */
  async recordObjectDigests(id: string, digests: ObjectDigestMap): Promise<void> {
    this.#requireWriter("record digests");
    if (digests.size > 0) await this.#client.call("recordObjectDigests", { id, digests });
  }

  /** What `recordObjectDigests` was told of the image. */
  async objectDigests(id: string): Promise<ObjectDigestMap> {
    return await this.#client.call("objectDigests", { id });
  }

  /**
   * Keeps what lies beside an image in its registry, by its names, so that it is judged again without asking
   * there; what was kept by such a name is replaced.
   */
  async recordSignatures(id: string, kept: KeptSignatures): Promise<void> {
    if (kept.size === 0) return;
    this.#requireWriter("keep signatures");
    await this.#client.call("recordSignatures", { id, kept });
  }

  /** What `recordSignatures` was told of the image. */
  async keptSignatures(id: string): Promise<KeptSignatures> {
    return await this.#client.call("keptSignatures", { id });
  }
}
