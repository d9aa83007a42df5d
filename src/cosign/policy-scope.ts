import { formatImageName, type ImageName, repositoryName } from "../image/index.ts";
import type { ContainersPolicy, PolicyRequirement } from "./policy-json.ts";

/** An image, as a policy knows it. */
export type PolicyPlace =
  | { readonly transport: "docker"; readonly name: ImageName }
  /**
   * Any other, by the absolute path: `sif`, `oci`, `oci-archive`, `docker-archive`; by the name: `library`,
   * which is ours alone.
   */
  | { readonly transport: string; readonly path: string };

/** What is asked of an image, and which list of which file asks it. */
export interface ChosenRequirements {
  readonly where: string;
  readonly requirements: readonly PolicyRequirement[];
}

/**
 * What a policy asks of one image: the list of the most specific scope, and of no other one.
 *
 * @see containers-policy.json(5), transports and scopes; registry.md §12.4
 */
export function policyRequirements(
  { source, transports, default: usual }: ContainersPolicy,
  place: PolicyPlace,
): ChosenRequirements {
  const scopes = transports.get(place.transport);
  const tried = "name" in place ? nameScopes(place.name) : pathScopes(place.path);
  for (const scope of [...tried, ""]) {
    const requirements = scopes?.get(scope);
    if (requirements === undefined) continue;
    const where = `${source}: transports.${place.transport}[${JSON.stringify(scope)}]`;
    return { where, requirements };
  }
  return { where: `${source}: default`, requirements: usual };
}

/** The name with its tag or digest, its repository, what that lies below, its host, its domains. */
export function nameScopes(name: ImageName): readonly string[] {
  const scopes = [formatImageName(name)];
  for (let scope = repositoryName(name); ; scope = scope.slice(0, scope.lastIndexOf("/"))) {
    scopes.push(scope);
    if (!scope.includes("/")) break;
  }
  // Without the port, as containers' other tools write them: a rule for `*.test` is one for all ports.
  let rest = name.domain.replace(/:[0-9]+$/, "");
  for (let dot = rest.indexOf("."); dot >= 0; dot = rest.indexOf(".")) {
    rest = rest.slice(dot + 1);
    scopes.push(`*.${rest}`);
  }
  return scopes;
}

/** The path and the directories that it lies below, but for the root. */
function pathScopes(path: string): readonly string[] {
  const scopes: string[] = [];
  for (let scope = path; scope !== ""; scope = scope.slice(0, scope.lastIndexOf("/"))) {
    scopes.push(scope);
    if (!scope.includes("/")) break;
  }
  return scopes;
}
