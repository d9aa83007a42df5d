import { archiveInvalid } from "./archive-error.ts";
import type { ArchiveFile, ArchiveFiles } from "./archive-files.ts";
import type { TarIndex, TarMember } from "./tar-index.ts";

/** Docker links a layer that it has written before to the first one: one step. */
const MOST_LINKS = 8;

/**
 * The files of an indexed tar archive. Links are followed inside of it.
 *
 * @param archive - closed with the result
 * @param what - the archive, for messages
 */
export function tarFiles(archive: ArchiveFile, index: TarIndex, what: string): ArchiveFiles {
  return {
    async open(name) {
      return await Promise.resolve(openMember(archive, index, name, what));
    },
    [Symbol.asyncDispose]: () => archive[Symbol.asyncDispose](),
  };
}

function openMember(
  archive: ArchiveFile,
  index: TarIndex,
  name: string,
  what: string,
): ArchiveFile | undefined {
  let member: TarMember | undefined = index.get(Buffer.from(name).toString("latin1"));
  if (member === undefined) return undefined;
  for (let steps = 0; member?.kind === "link"; steps += 1) {
    if (steps === MOST_LINKS) {
      throw archiveInvalid(`${name} of ${what}`, `at most ${MOST_LINKS} links to a file`);
    }
    member = index.get(member.target);
  }
  if (member === undefined) throw archiveInvalid(`${name} of ${what}`, "a link to a file in it");
  if (member.kind === "unusable") {
    throw archiveInvalid(`${name} of ${what}`, `one regular file, got ${member.why}`);
  }
  const { offset, size } = member;
  const { part } = archive;
  return {
    size,
    part: part && { fd: part.fd, offset: part.offset + offset },
    read(position, length) {
      if (position + length > size) throw new RangeError(`${name}: read past its end`);
      return archive.read(offset + position, length);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
