import { type SlotLoad, Slots } from "../base/index.ts";
import { abortError, type HttpClient } from "../http/index.ts";
import type { TransferOptions } from "./blob-transfer.ts";
import type { Span } from "./content-range.ts";
import { transferredInParallel } from "./parallel-transfer.ts";
import type { TransferLimits } from "./transfer-limits.ts";

/** All transfers of one client, which share how many may be on their way. */
export class Transfers {
  readonly #client: Pick<HttpClient, "clock" | "random">;
  readonly #connections: number;
  readonly #slots: Slots;

  constructor(client: Pick<HttpClient, "clock" | "random">, limits: TransferLimits) {
    this.#client = client;
    this.#connections = limits.perBlob;
    this.#slots = new Slots({ perGroup: limits.perRegistry, total: limits.total });
  }

  /** How many are on their way now, and how many wait. */
  get load(): SlotLoad {
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
    using _place = await this.#place(host, signal);
    const how = { clock, random, open, connections: this.#connections, takeFree };
    yield* transferredInParallel(span, how, signal);
  }

  async #place(host: string, signal: AbortSignal): Promise<Disposable> {
    try {
      return await this.#slots.take(host, signal);
    } catch {
      // As everything else of a transfer that was aborted.
      throw abortError(signal);
    }
  }
}
