/**
 * Whose token services may see the credentials of a registry, by its `name[:port]`, however that is
 * written.
 */
export function realmsIn(
  tokenRealms: Readonly<Record<string, readonly string[]>>,
): (host: string) => readonly string[] {
  const realms = new Map(
    Object.entries(tokenRealms).map(([registry, hosts]) => [
      registry.toLowerCase(),
      hosts.map((host) => host.toLowerCase()),
    ]),
  );
  return (host) => realms.get(host.toLowerCase()) ?? [];
}
