import type { ImageLook, ImagePlace } from "./image-look.ts";

/** A directory of root's with something in it, unless it is said otherwise. */
export type FakePlace = Partial<ImagePlace>;

/** An image of directories alone, each at its path, and of texts. */
export function fakeLook(
  places: Readonly<Record<string, FakePlace>>,
  texts: Readonly<Record<string, string>> = {},
): ImageLook {
  return {
    find: (path) => {
      const place = places[path];
      const usual = { path, isDirectory: true, isEmpty: false, mode: 0o755, uid: 0, gid: 0 };
      return Promise.resolve(place === undefined ? undefined : { ...usual, ...place });
    },
    text: (path) => Promise.resolve(texts[path]),
  };
}
