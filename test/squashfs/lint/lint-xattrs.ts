import type { Complain } from "./lint-image.ts";
import type { RawImage, RawXattr } from "./raw-image.ts";

const NAMESPACES = ["user.", "trusted.", "security."];

/** Attribute sets: known namespaces, values beside their names, pairs in order, each set once. */
export function lintXattrs({ xattrSets }: RawImage, complain: Complain): void {
  const seen = new Set<string>();
  xattrSets.forEach(({ pairs, size }, index) => {
    const say: Complain = (what) => {
      complain(`attribute set ${index}: ${what}`);
    };
    for (const { type, name } of pairs) {
      if (NAMESPACES[type] === undefined) say(`type ${type}`);
      if (name.length === 0 || name.includes(0)) say("a name of nothing, or with NUL");
    }
    const names = pairs.map(fullName);
    if (names.some((name, at) => at > 0 && name <= (names[at - 1] ?? "")))
      say("names out of order");
    if (names.some((name) => name.length > 255)) say("a name over 255 bytes");
    const expected = pairs.reduce(
      (sum, pair) => sum + fullName(pair).length + 1 + pair.value.length,
      0,
    );
    if (size !== expected) say(`${size} bytes, not ${expected}`);
    const content = pairs.map((pair) => `${fullName(pair)}=${pair.value.toString("hex")}`).join();
    if (pairs.length === 0 || seen.has(content)) say("nothing, or the same as another one");
    seen.add(content);
  });
}

function fullName({ type, name }: RawXattr): string {
  return `${NAMESPACES[type] ?? ""}${name.toString("latin1")}`;
}
