import { fitsWish, hasFrozenCodec, type ProfileWish } from "../image/index.ts";
import type { Names, StoredImage } from "../store/index.ts";

/**
 * Which of several stored images of one content a pull of `names` takes; undefined where none is
 * what was asked for. The one that has the name already, so that a second pull never moves a name;
 * else one that other machines would make too; else the one used last.
 *
 * @param images - the one used last first
 */
export function chooseStoredImage(
  images: readonly StoredImage[],
  wish: ProfileWish,
  names: Names,
): StoredImage | undefined {
  const fitting = images.filter(({ profile }) => profile !== undefined && fitsWish(profile, wish));
  return (
    fitting.find((image) => isNamed(image, names)) ??
    fitting.find(({ profile }) => profile !== undefined && hasFrozenCodec(profile)) ??
    fitting[0]
  );
}

/** Whether an image has the tag that is pulled, or the digest where no tag is. */
function isNamed({ names: own }: StoredImage, { tags, digests }: Names): boolean {
  return tags.length > 0
    ? tags.some((tag) => own.tags.includes(tag))
    : digests.some((digest) => own.digests.includes(digest));
}
