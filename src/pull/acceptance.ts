import type { JudgedFile, JudgedImage, SignedImage } from "../image/index.ts";
import type { StoredImage, StoreEvidence } from "../store/index.ts";
import type { OpenedSource } from "./open-source.ts";
import type { ResolvedImage, ResolvedSif } from "./resolve-image.ts";
import { inStep, type OnPullEvent } from "./pull-events.ts";
import type { TrustGate } from "./trust-gate.ts";

/** Has a policy judge the image of one pull, and remembers what it has to keep of it. */
export class Acceptance {
  readonly #gate: TrustGate | undefined;
  readonly #opened: Pick<OpenedSource, "what" | "signatures">;
  readonly #names: readonly string[];
  readonly #onEvent: OnPullEvent;
  #beside: SignedImage | undefined;
  #conversion: Promise<void> | undefined;
  #kept: ReadonlyMap<string, string> = new Map();

  /** @param names - that the image shall get */
  constructor(
    gate: TrustGate | undefined,
    opened: Pick<OpenedSource, "what" | "signatures">,
    names: readonly string[],
    onEvent: OnPullEvent,
  ) {
    this.#gate = gate;
    this.#opened = opened;
    this.#names = names;
    this.#onEvent = onEvent;
  }

  /** What of signatures beside the image is kept with it, by name. */
  get kept(): ReadonlyMap<string, string> {
    return this.#kept;
  }

  /** Whether the image's manifest must be known before it can be judged. */
  async needsManifest(): Promise<boolean> {
    if (this.#gate === undefined || this.#opened.signatures === undefined) return false;
    return await this.#gate.looksBeside({ names: this.#names, from: this.#opened.what });
  }

  /** Tells which image it is, so that its signatures can be looked for. */
  resolved({ root, manifestDigest }: ResolvedImage | ResolvedSif): void {
    const { signatures } = this.#opened;
    if (signatures === undefined || manifestDigest === undefined) return;
    const index = root.digest === manifestDigest ? {} : { index: root.digest };
    this.#beside = { digests: { ...index, manifest: manifestDigest }, repository: signatures };
  }

  /** Accepts an image that is converted here, once, or throws what the policy says. */
  async requireConverted(signal: AbortSignal): Promise<void> {
    this.#conversion ??= this.#judge(signal);
    await this.#conversion;
  }

  /** Accepts a file that came ready-made, or throws. */
  async requireFile(file: JudgedFile, signal: AbortSignal): Promise<void> {
    await this.#judge(signal, file);
  }

  /** Accepts an image that is in the store, or throws: its file is read only where nobody did before. */
  async requireStored(
    evidence: StoreEvidence,
    { id, origin, path }: StoredImage,
    signal: AbortSignal,
  ): Promise<void> {
    if (origin === "layers") {
      await this.requireConverted(signal);
      return;
    }
    if (this.#gate === undefined) return;
    const digests = new Map(await evidence.objectDigests(id));
    const known = digests.size;
    await this.#judge(signal, { path, digests });
    if (digests.size > known) await evidence.recordObjectDigests(id, digests);
  }

  async #judge(signal: AbortSignal, file?: JudgedFile): Promise<void> {
    const gate = this.#gate;
    if (gate === undefined) return;
    const { what } = this.#opened;
    const beside = this.#beside;
    const judged: JudgedImage = {
      what,
      names: this.#names,
      from: what,
      ...(file && { file }),
      ...(beside && { beside: () => beside }),
    };
    const { kept } = await inStep(
      "verify",
      this.#onEvent,
      async () => await gate.require(judged, signal),
    );
    this.#kept = kept;
  }
}
