import {
  type Authority,
  KeepingRepository,
  keptText,
  verifyImage,
  type VerifyImageOptions,
} from "../cosign/index.ts";
import type { ImageEvidence, JudgedImage, SignedImage } from "../image/index.ts";

/** What is found of signatures that lie beside an image, by the names that it has. */
export class SignaturesBeside {
  /** For each name, with the answers of its registry as text. */
  readonly kept: ReadonlyMap<string, string>;
  readonly #byName: ReadonlyMap<string, readonly ImageEvidence[]>;

  private constructor(
    byName: ReadonlyMap<string, readonly ImageEvidence[]>,
    kept: ReadonlyMap<string, string>,
  ) {
    this.#byName = byName;
    this.kept = kept;
  }

  /**
   * Looks for signatures of an image under each of its names, and checks them; for none where nobody is
   * trusted to sign.
   *
   * @throws as `verifyImage`
   */
  static async find(
    names: readonly string[],
    beside: JudgedImage["beside"],
    authorities: readonly Authority[],
    options: VerifyImageOptions,
    signal: AbortSignal,
  ): Promise<SignaturesBeside> {
    const byName = new Map<string, readonly ImageEvidence[]>();
    const kept = new Map<string, string>();
    const done = new Map<SignedImage, { readonly found: readonly ImageEvidence[]; text: string }>();
    for (const name of names) {
      if (beside === undefined || authorities.length === 0) {
        byName.set(name, []);
        continue;
      }
      const image = beside(name);
      if (image === undefined) continue;
      const answer = done.get(image) ?? (await look(image, authorities, options, signal));
      done.set(image, answer);
      byName.set(name, answer.found);
      kept.set(name, answer.text);
    }
    return new SignaturesBeside(byName, kept);
  }

  /** Of one name; undefined where nobody could be asked. */
  of(name: string): readonly ImageEvidence[] | undefined {
    return this.#byName.get(name);
  }

  /** Of all names, each once. */
  get all(): readonly ImageEvidence[] {
    return [...new Set([...this.#byName.values()].flat())];
  }
}

async function look(
  image: SignedImage,
  authorities: readonly Authority[],
  options: VerifyImageOptions,
  signal: AbortSignal,
): Promise<{ readonly found: readonly ImageEvidence[]; readonly text: string }> {
  const repository = new KeepingRepository(image.repository);
  const found = await verifyImage(repository, image.digests, authorities, options, signal);
  return { found, text: keptText(image, repository) };
}
