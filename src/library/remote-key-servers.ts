import type { RemoteFiles } from "./configured-libraries.ts";
import { readRemoteFile, type Remote, type RemoteFile } from "./remote-file.ts";

/**
 * The key servers of the remotes in use, in the order in which their files have them: those of a remote
 * that the site has as the only one, else of the one that each file of the user's has as active, else of
 * the one that the site's have so. Those that are to be skipped are left out, and nothing is shown to any:
 * tokens of remotes are for other services.
 *
 * @param userId - whose the user's files should be
 * @returns each once, with http or https
 * @throws LibraryError `LIBRARY_CONFIG`
 * @see library.md §10
 */
export async function remoteKeyServers(
  { user, system }: RemoteFiles,
  userId: number,
): Promise<readonly URL[]> {
  const site = await readAll(system, userId);
  const only = site.flatMap(({ remotes }) => remotes).find(({ isExclusive }) => isExclusive);
  const all = only === undefined ? inUse(await readAll(user, userId), site) : [only];
  const urls = all
    .flatMap(({ keyServers }) => keyServers)
    .filter(({ isSkipped }) => !isSkipped)
    .map(({ url }) => url);
  return [...new Map(urls.map((url) => [url.href, url])).values()];
}

function inUse(own: readonly RemoteFile[], site: readonly RemoteFile[]): readonly Remote[] {
  // The active one of the user's may be one that only the site's file describes.
  const active = own.flatMap((file) => activeOf(file, [file, ...site]));
  return active.length > 0 ? active : site.flatMap((file) => activeOf(file, [file]));
}

function activeOf({ active }: RemoteFile, files: readonly RemoteFile[]): readonly Remote[] {
  const found = files
    .flatMap(({ remotes }) => remotes)
    .find(({ name }) => active !== undefined && name === active);
  return found === undefined ? [] : [found];
}

async function readAll(paths: readonly string[], userId: number): Promise<readonly RemoteFile[]> {
  const files: RemoteFile[] = [];
  for (const path of paths) {
    const file = await readRemoteFile(path, userId);
    if (file !== undefined) files.push(file);
  }
  return files;
}
