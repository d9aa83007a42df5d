/** The hosts that a table lists for a registry, by its `name[:port]`, however that is written. */
export function hostsListedIn(
  table: Readonly<Record<string, readonly string[]>>,
): (registry: string) => readonly string[] {
  const lists = new Map(
    Object.entries(table).map(([registry, hosts]) => [
      registry.toLowerCase(),
      hosts.map((host) => host.toLowerCase()),
    ]),
  );
  return (registry) => lists.get(registry.toLowerCase()) ?? [];
}
