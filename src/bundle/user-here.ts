import { BundleError } from "./bundle-error.ts";
import { findUser, type ContainerUser } from "./find-user.ts";
import { isMapped } from "./id-mappings.ts";
import type { ImageLook } from "./image-look.ts";
import type { Rights } from "./rights.ts";
import type { RuntimeUser } from "./runtime-config.ts";

/**
 * The user that `text` names in the image, where one with our rights can have it.
 *
 * @throws BundleError `BUNDLE_USER`
 */
export async function userHere(
  text: string,
  rights: Rights,
  look: ImageLook,
): Promise<ContainerUser> {
  const [passwd, group] = [await look.text("/etc/passwd"), await look.text("/etc/group")];
  const user = findUser(text, {
    ...(passwd === undefined ? {} : { passwd }),
    ...(group === undefined ? {} : { group }),
  });
  requireUserHere(text, user, rights);
  return user;
}

/** Without root's rights not every id is somebody here, and FUSE lets in nobody but us by itself. */
function requireUserHere(text: string, { uid, gid }: ContainerUser, rights: Rights): void {
  const { mappings, mayLetOthersIn } = rights;
  if (mappings === undefined || (uid === 0 && gid === 0)) return;
  const isSomebody = isMapped(uid, mappings.uids) && isMapped(gid, mappings.gids);
  if (isSomebody && mayLetOthersIn) return;
  const missing = [
    ...(isSomebody
      ? []
      : ["ids for it in /etc/subuid and /etc/subgid, and newuidmap (package uidmap)"]),
    ...(mayLetOthersIn ? [] : ["user_allow_other in /etc/fuse.conf"]),
  ];
  throw new BundleError(
    "BUNDLE_USER",
    `user ${JSON.stringify(text)} (${uid}:${gid}) cannot be had here without root: give --user 0:0, ` +
      `which is you on the host, or have an administrator set up ${missing.join(" and ")}`,
  );
}

/** The user for a runtime; without root's rights none gives a process additional groups. */
export function runtimeUser(
  { uid, gid, additionalGids }: ContainerUser,
  { mappings }: Rights,
): RuntimeUser {
  const isAlone = mappings !== undefined || additionalGids.length === 0;
  return isAlone ? { uid, gid } : { uid, gid, additionalGids };
}
