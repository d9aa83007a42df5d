import { exists } from "../base/index.ts";
import { keptBeside } from "../cosign/index.ts";
import {
  ImageError,
  Info as ImageInfo,
  storeNamesOf,
  type ImageEvidence,
  type ImageHome,
  type InfoFields,
  type SignatureEvidence,
} from "../image/index.ts";
import { describeSif } from "../pull/index.ts";
import { DEFAULT_POLICY, Trust } from "../trust/index.ts";
import type { Stoppable } from "./settings.ts";

/** What one signature proves: of a SIF file, or of an image in a registry. */
export type Evidence = SignatureEvidence | ImageEvidence;

const never = new AbortController().signal;

/** The policy of an image that nobody opened a store or a pull for, who would know any keys. */
const ALONE = new Trust({
  policy: DEFAULT_POLICY,
  keys: [],
  readText: (path) => Promise.reject(new Error(`${path}: no file is asked for`)),
  now: Date.now,
});

/** What an image is judged by besides its file. */
export interface Provenance {
  /** What it was pulled by or made of, as `JudgedImage.from`. */
  readonly from: string;
  /** What was kept of signatures beside it, by name. */
  readonly kept: () => Promise<ReadonlyMap<string, string>>;
}

/**
 * One image on this host's disk: a SIF file and its names.
 *
 * @see image-api.md
 */
export class Info extends ImageInfo {
  // `#`, for it is no part of the value.
  readonly #trust: Trust;
  readonly #provenance: Provenance | undefined;

  /**
   * @param home - keeps the image and its borrowers; without one they are kept in memory
   * @param trust - judges its signatures; without one nobody's key is known, and nothing must be signed
   * @param provenance - without it, no signature beside it is known
   */
  constructor(fields: InfoFields, home?: ImageHome, trust: Trust = ALONE, provenance?: Provenance) {
    super(fields, home);
    this.#trust = trust;
    this.#provenance = provenance;
  }

  /** The same image, whose signatures `trust` judges. */
  static of(
    info: ImageInfo,
    home: ImageHome | undefined,
    trust: Trust,
    provenance?: Provenance,
  ): Info {
    return new Info({ ...fieldsOf(info), usedBy: info.usedBy() }, home, trust, provenance);
  }

  static override fromJSON(value: unknown, home?: ImageHome): Info {
    return new Info(fieldsOf(ImageInfo.fromJSON(value)), home);
  }

  /**
   * Checks the signatures of the image and judges them by the policy that it was pulled or opened with: those
   * in its file, which is read where it came ready-made, and those beside it in its registry, as they were
   * when it was pulled.
   *
   * @returns every signature with what it proves; none where there is none
   * @throws SigningError, CosignError where one is broken or missing, TrustError where the policy asks for
   *   more; ImageError `NOT_FOUND` where the file is gone, SifError where it is no sound SIF
   */
  async verify({ signal = never }: Stoppable = {}): Promise<readonly Evidence[]> {
    const names = [...this.ref.tags(), ...this.ref.digests()].flatMap((name) =>
      storeNamesOf(name).slice(0, 1),
    );
    const what = this.ref.toString();
    const { path, id } = this;
    const { from = what, kept } = this.#provenance ?? {};
    const beside = kept && { beside: keptBeside(await kept()) };
    const judged = { what, names, from: this.origin === "local" ? path : from, ...beside };
    if (!(await this.#isReadyMade(signal))) {
      return (await this.#trust.require(judged, signal)).beside;
    }
    if (path === "" || !(await exists(path))) {
      throw new ImageError("NOT_FOUND", `image ${id}: expected its file, got none at ${path}`);
    }
    const report = await this.#trust.require({ ...judged, file: { path } }, signal);
    return [...report.verification.signatures, ...report.beside];
  }

  /** Whether the file may hold signatures: of an image that was read from JSON it tells itself. */
  async #isReadyMade(signal: AbortSignal): Promise<boolean> {
    if (this.origin !== undefined) return this.origin !== "layers";
    return (await exists(this.path)) && (await describeSif(this.path, signal)).isSigned;
  }
}

function fieldsOf({ id, size, path, ref, ociConfig, origin }: ImageInfo): InfoFields {
  return { id, size, path, ref, ociConfig, origin };
}
