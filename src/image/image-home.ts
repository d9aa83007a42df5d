import type { Info } from "./info.ts";

/** Where an image is kept, and who counts its borrowers: a store, or the memory of one `Info`. */
export interface ImageHome {
  /**
   * Notes that `who` uses the image; twice by one name counts once.
   *
   * @returns the borrowers afterwards
   * @throws ImageError `NOT_FOUND` when the image is gone
   */
  borrow(id: string, who: string): Promise<readonly string[]>;

  /**
   * Forgets that `who` uses the image; a name that does not is fine.
   *
   * @returns the borrowers afterwards
   */
  return(id: string, who: string): Promise<readonly string[]>;

  /**
   * Deletes the image; of a local file only the knowledge of it.
   *
   * @throws ImageError `IS_USED` with the borrowers as `candidates`; `NOT_FOUND` when it is gone
   */
  remove(info: Info): Promise<void>;
}
