/**
 * Whether two hosts are one, or stand under the same domain that somebody registered, as the list of
 * public suffixes has it: `registry.gitlab.com` and `gitlab.com`, but not `a.github.io` and `b.github.io`.
 *
 * @param one - a host name or address, without a port
 */
export async function isSameDomain(one: string, other: string): Promise<boolean> {
  if (one === other) return true;
  // A list of all public suffixes, loaded only for who needs it.
  const { getDomain } = await import("tldts");
  const options = { allowPrivateDomains: true };
  const domain = getDomain(one, options);
  return domain !== null && domain === getDomain(other, options);
}
