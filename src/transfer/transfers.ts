import type { HttpClient } from "../http/index.ts";
import type { TransferOptions } from "./blob-transfer.ts";
import type { Span } from "./content-range.ts";
import { transferredInParallel } from "./parallel-transfer.ts";
import { type TransferLimits, type TransferLoad, TransferSlots } from "./transfer-slots.ts";

/** All transfers of one client, which share how many may be on their way. */
export class Transfers {
  readonly #client: Pick<HttpClient, "clock" | "random">;
  readonly #connections: number;
  readonly #slots: TransferSlots;

  constructor(client: Pick<HttpClient, "clock" | "random">, limits: TransferLimits) {
    this.#client = client;
    this.#connections = limits.perBlob;
    this.#slots = new TransferSlots(limits);
  }

  /** How many are on their way now, and how many wait. */
  get load(): TransferLoad {
    return this.#slots.load;
  }

  /**
   * The bytes of `span` of a blob in order, when there is a place for them.
   *
   * @param host - the registry or library, of which no more come at a time than the limits say
   * @param open - opens the blob at some byte, at whichever host has it
   * @throws as `transferredInParallel`
   */
  async *read(
    host: string,
    span: Span,
    open: TransferOptions["open"],
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    const { clock, random } = this.#client;
    const takeFree = (): Disposable | undefined => this.#slots.takeFree(host);
    using _place = await this.#slots.take(host, signal);
    const how = { clock, random, open, connections: this.#connections, takeFree };
    yield* transferredInParallel(span, how, signal);
  }
}
