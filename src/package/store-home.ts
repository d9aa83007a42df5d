import { exists } from "../base/index.ts";
import { ImageError, type ImageHome, type Info } from "../image/index.ts";
import type { Store } from "../store/index.ts";

const never = new AbortController().signal;

/** Keeps the borrowers of a store's images in the store, where they outlive the process. */
export class StoreHome implements ImageHome {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async borrow(id: string, who: string): Promise<readonly string[]> {
    const { borrowers } = await this.#store.borrow(id, [], who);
    return borrowers.map((borrow) => borrow.who);
  }

  async return(id: string, who: string): Promise<readonly string[]> {
    try {
      await this.#store.return(id, [], who);
    } catch (error) {
      if (!(error instanceof ImageError) || error.code !== "NOT_FOUND") throw error;
      // An image that is gone is borrowed by nobody.
    }
    const image = await this.#store.findById(id);
    return image?.borrowers.map((borrow) => borrow.who) ?? [];
  }

  async remove({ id, path, origin }: Info): Promise<void> {
    const isThere = await exists(path);
    await this.#store.remove(id, never);
    if (isThere || origin === "local") return;
    throw new ImageError("NOT_FOUND", `image ${id}: expected its file, got none at ${path}`);
  }
}
