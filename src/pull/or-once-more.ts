import { ContentError, type BlobSource } from "../image/index.ts";

/**
 * Does it again, once, where what a source delivered over a network were other bytes than it promised:
 * a mirror may have spoilt them, and the source asks somebody else first when it is asked again.
 *
 * @throws what `read` throws the second time
 */
export async function orOnceMore<Result>(
  source: Pick<BlobSource, "origin">,
  read: () => Promise<Result>,
): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ContentError) || !isDeliveredAnew(source)) throw error;
    return await read();
  }
}

/** Whether a source may deliver other bytes the next time: an archive is read from where it lies. */
export function isDeliveredAnew({ origin }: Pick<BlobSource, "origin">): boolean {
  return origin !== undefined;
}
