import { refusal, scalarOf, type ValueKind } from "./value-kinds.ts";

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
const MOST_PREFIX = 253;

/**
 * The key of an annotation, as Kubernetes has them: `[PREFIX/]NAME`.
 *
 * @see Kubernetes' documentation of annotations, "Syntax and character set"
 */
export const annotationKeyKind: ValueKind<string | undefined> = {
  parse(located) {
    const value = scalarOf(located);
    if (typeof value === "string" && isAnnotationKey(value)) return value;
    throw refusal(located, "the key of an annotation, such as siflet.example/platform");
  },
  format: (key) => key ?? "(none)",
  toJson: (key) => key ?? null,
};

function isAnnotationKey(text: string): boolean {
  const slash = text.indexOf("/");
  const prefix = text.slice(0, Math.max(0, slash));
  const isPrefix = slash === -1 || (prefix.length <= MOST_PREFIX && PREFIX.test(prefix));
  return isPrefix && NAME.test(text.slice(slash + 1));
}
