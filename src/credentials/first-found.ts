import type { Credentials } from "../registry/index.ts";

/**
 * The credential of the first of `places` that knows one, those left out that are not there; what
 * one throws ends the search.
 */
export function firstFound(places: readonly (Credentials | undefined)[]): Credentials {
  return {
    find: async (place, signal) => {
      for (const each of places) {
        const found = await each?.find(place, signal);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}
