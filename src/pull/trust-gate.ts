import type { JudgedImage } from "../image/index.ts";
import type { Names } from "../store/index.ts";

/** Decides by a policy whether images may go by their names; design decision 9. */
export interface TrustGate {
  /** Whether signatures matter that lie beside such an image in its registry. */
  looksBeside(image: Pick<JudgedImage, "names" | "from">): Promise<boolean>;

  /**
   * Accepts an image by each of its names, or throws what the policy says.
   *
   * @returns what is kept of signatures beside it, by name
   */
  require(image: JudgedImage, signal: AbortSignal): Promise<Kept>;
}

export interface Kept {
  readonly kept: ReadonlyMap<string, string>;
}

/** The same gate for files that are then copied to `directory`, too. */
export function withCopyIn(gate: TrustGate, directory: string): TrustGate {
  return {
    looksBeside: (image) => gate.looksBeside(image),
    async require({ file, ...image }, signal) {
      const judged =
        file === undefined ? image : { ...image, file: { ...file, copyDirectory: directory } };
      return await gate.require(judged, signal);
    },
  };
}

/** All names, as a gate takes them. */
export function namesOf({ tags, digests }: Names): readonly string[] {
  return [...tags, ...digests];
}
