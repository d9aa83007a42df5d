import type { LocatedValue } from "../base/index.ts";

/**
 * Reads one document as strictly as the configuration is read.
 *
 * @returns undefined for an empty one
 * @throws ProblemAt, for the first thing that is wrong
 */
export async function readYaml(text: string): Promise<LocatedValue | undefined> {
  // Loaded only where there is something to read: it costs as much as all the rest of the start.
  const { parseYaml } = await import("./parse-yaml.ts");
  return parseYaml(text);
}
