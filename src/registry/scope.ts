/** What is done to a repository: read, or read and written. */
export type Actions = "pull" | "pull,push";

/** The scope in which a token service grants `actions` on a repository. */
export function repositoryScope(repository: string, actions: Actions): string {
  return `repository:${repository}:${actions}`;
}

/**
 * Joins scopes of one resource, with the actions of all of them in one order; resources stay in
 * the order in which they first came. What is not of the grammar `type:name:actions` is kept as it
 * is, once.
 *
 * @see registry.md §2.2, scope grammar
 */
export function mergeScopes(scopes: readonly string[]): readonly string[] {
  const actionsOf = new Map<string, Set<string>>();
  for (const scope of scopes) {
    // A name may hold `host:port`: the resource ends at the last colon, if that is not the only one.
    const colon = scope.lastIndexOf(":");
    const split = colon > scope.indexOf(":");
    const resource = split ? scope.slice(0, colon) : scope;
    const actions = split ? scope.slice(colon + 1).split(",") : [];
    actionsOf.set(resource, new Set([...(actionsOf.get(resource) ?? []), ...actions]));
  }
  return [...actionsOf].map(([resource, actions]) =>
    actions.size === 0 ? resource : `${resource}:${[...actions].toSorted().join(",")}`,
  );
}
