import { stat, unlink } from "node:fs/promises";
import type { ImageHome } from "./image-home.ts";
import { ImageError } from "./image-error.ts";
import type { Info } from "./info.ts";

/** The home of one image that belongs to no store: its file, and its borrowers while we run. */
export class MemoryHome implements ImageHome {
  private readonly path: string;
  private readonly borrowers = new Set<string>();
  private removed = false;

  /** @param path - the image's file; "" for one that is not on this host's disk */
  constructor(path: string) {
    this.path = path;
  }

  async borrow(id: string, who: string): Promise<readonly string[]> {
    const there = await isThere(this.path);
    // Asked after the wait: a removal may have begun meanwhile.
    if (!there || this.removed) throw gone(id, this.path);
    this.borrowers.add(who);
    return [...this.borrowers];
  }

  return(_id: string, who: string): Promise<readonly string[]> {
    this.borrowers.delete(who);
    return Promise.resolve([...this.borrowers]);
  }

  async remove(info: Info): Promise<void> {
    if (this.borrowers.size > 0) throw isUsed(info.id, [...this.borrowers]);
    if (this.removed || this.path === "") throw gone(info.id, this.path);
    this.removed = true;
    if (info.origin === "local") return;
    try {
      await unlink(this.path);
    } catch (error) {
      if (isMissing(error)) throw gone(info.id, this.path, error);
      this.removed = false;
      throw error;
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  if (path === "") return false;
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "ENOENT" || error.code === "ENOTDIR")
  );
}

function gone(id: string, path: string, cause?: unknown): ImageError {
  const got = path === "" ? "no file" : `none at ${path}`;
  return new ImageError("NOT_FOUND", `image ${id}: expected its file, got ${got}`, { cause });
}

function isUsed(id: string, candidates: readonly string[]): ImageError {
  return new ImageError(
    "IS_USED",
    `image ${id}: expected no borrowers, got ${candidates.join(", ")}`,
    { candidates },
  );
}
