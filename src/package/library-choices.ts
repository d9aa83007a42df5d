import { Secret } from "../base/index.ts";
import type { LibrarySettings } from "../config/index.ts";
import type { SourceSettings } from "./settings.ts";

/** A caller's libraries as the configuration would have them. */
export function librarySettingsOf({
  libraries = {},
}: Pick<SourceSettings, "libraries">): Readonly<Record<string, LibrarySettings>> {
  return Object.fromEntries(
    Object.entries(libraries).map(([host, { token, ...rest }]) => [
      host.toLowerCase(),
      { ...rest, ...(token !== undefined && { token: new Secret(token) }) },
    ]),
  );
}
