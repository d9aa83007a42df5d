import { familiarText } from "../image/index.ts";
import type { StoredImage } from "../store/index.ts";
import { printable } from "./printable.ts";

/** What of a digest does not fit a table. */
const DIGEST_TAIL = /([@:]sha256[:.][0-9a-f]{12})[0-9a-f]{52}$/;

/** Tags; where there are none, digests, cut short for they are no easier to type than the id. */
export function shownNames({ names: { tags, digests } }: Pick<StoredImage, "names">): string[] {
  return (tags.length > 0 ? tags : digests)
    .map((name) => printable(familiarText(name)))
    .map((name) => name.replace(DIGEST_TAIL, "$1…"));
}

const MOST_USERS = 2;

/** Who uses an image and whether it is pinned, for a table: `pinned, used by job-17`; "" for neither. */
export function stateText({
  borrowers,
  pinned,
}: Pick<StoredImage, "borrowers" | "pinned">): string {
  const users = borrowers.slice(0, MOST_USERS).map(({ who }) => printable(who));
  const more = borrowers.length - users.length;
  const use = [...users, ...(more > 0 ? [`${more} more`] : [])].join(", ");
  return [...(pinned ? ["pinned"] : []), ...(use === "" ? [] : [`used by ${use}`])].join(", ");
}
