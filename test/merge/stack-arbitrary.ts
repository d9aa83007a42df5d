import fc from "fast-check";
import { mergeStack, ModelError, type Place } from "./reference-model.ts";
import type { Latin1, Stack, StackEntry, StackKind } from "./stack-entry.ts";

const ODD_NAMES = [
  ...["two words", "inv\xff\xfe", "new\nline", "back\\slash", "...", "\xc3\xa9", "-rf", "*"],
  ...[".wh", "x.wh.y", "L".repeat(251)],
];
/** Few enough that entries meet each other. */
const NAMES = ["a", "b", "c"];
const name = fc.oneof(
  { weight: 15, arbitrary: fc.constantFrom(...NAMES) },
  { weight: 1, arbitrary: fc.constantFrom(...ODD_NAMES) },
);
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const prefix = fc.oneof(
  { weight: 8, arbitrary: fc.constant("") },
  { weight: 1, arbitrary: fc.constantFrom("./", "/", "../", "//", "a/../", "a/.//b/../../") },
);
const spelled = fc.tuple(prefix, path).map((parts) => parts.join(""));

const symlinkTarget = fc.oneof(
  path,
  path.map((to) => `/${to}`),
  path.map((to) => `../${to}`),
  path.map((to) => `${to}/..`),
  fc.tuple(path, path).map(([from, to]) => `${from}/../${to}`),
  fc.constantFrom(".", "..", "/", "../../..", "/../../b", "b//./c/", "nowhere/x"),
  fc.constantFrom("N".repeat(300), "t/".repeat(20)),
);

const attributes = fc.record({
  mode: fc.constantFrom(0o755, 0o644, 0o600, 0o4711, 0o1777, 0o2750, 0o100640),
  uid: fc.constantFrom(0, 7, 4_294_967_294),
  gid: fc.constantFrom(0, 8, 3_000_000_000),
  mtime: fc.constantFrom(0, 1_000_000_001, 1_234_567_890),
});
const wildTimes = fc.constantFrom(0, 5, -5, 2 ** 32 - 1, 2 ** 32, 2 ** 33);
const xattrs = fc.dictionary(
  fc.constantFrom("user.a", "user.b", "trusted.c", "security.capability"),
  fc.constantFrom("1", "two", "x\0y"),
  { maxKeys: 2, noNullPrototype: true },
);
/** One that may bind to low ports, as the kernel keeps it (version 2). */
const CAPABILITY = "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const droppedXattrs = fc.constantFrom(
  { "security.selinux": "l" },
  { "trusted.overlay.opaque": "y" },
);

interface Named {
  readonly kind: StackKind;
  readonly path: Latin1;
  readonly target?: Latin1;
}

const markerKind = fc.constantFrom<StackKind>("file", "file", "file", "directory", "character");
const inFolder = fc.option(path, { nil: "", freq: 3 }).map((to) => (to === "" ? "" : `${to}/`));
const marker = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(inFolder, name).map(([to, what]) => `${to}.wh.${what}`) },
  { weight: 4, arbitrary: inFolder.map((to) => `${to}.wh..wh..opq`) },
);
const oddMarker = fc.oneof(
  { weight: 4, arbitrary: name.map((what) => `.wh..wh.plnk/${what}`) },
  { weight: 2, arbitrary: fc.tuple(inFolder, name).map(([to, what]) => `${to}.wh.a/${what}`) },
  { weight: 1, arbitrary: inFolder.map((to) => `${to}.wh..wh.aufs`) },
  { weight: 1, arbitrary: fc.constantFrom("a/.wh.", ".wh..", ".wh...", ".wh.", ".wh..wh.") },
);

const named: fc.Arbitrary<Named> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: kinds("file"), path: spelled }) },
  { weight: 5, arbitrary: fc.record({ kind: kinds("directory"), path: spelled.map(withSlash) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: kinds("symlink"), path: spelled, target: symlinkTarget }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: kinds("hardlink"), path: spelled, target: spelled }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kinds("fifo", "character"), path: spelled }) },
  { weight: 4, arbitrary: fc.record({ kind: markerKind, path: marker }) },
  { weight: 1, arbitrary: fc.record({ kind: kinds("directory"), path: kinds("./", "/", "a/..") }) },
);
const wildNamed: fc.Arbitrary<Named> = fc.oneof(
  { weight: 20, arbitrary: named },
  { weight: 1, arbitrary: fc.record({ kind: markerKind, path: oddMarker }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: kinds("hardlink"),
      path: spelled,
      target: name.map((what) => `.wh..wh.plnk/${what}`),
    }),
  },
);

function kinds<const T extends string>(...values: T[]): fc.Arbitrary<T> {
  return fc.constantFrom(...values);
}

function withSlash(text: string): string {
  return `${text}/`;
}

const wildEntry = fc
  .tuple(wildNamed, attributes, xattrs, fc.option(droppedXattrs), fc.option(wildTimes))
  .map(([what, facts, kept, dropped, mtime]) => ({
    ...{ ...facts, ...(mtime === null ? {} : { mtime }) },
    ...{ ...what, xattrs: { ...kept, ...dropped } },
  }));

/** Everything that a conversion takes. */
export const validStack: fc.Arbitrary<Stack> = stacks(wildEntry).map((s) => reduced(s, false));

/** The same with one more layer of anything, which it may have to refuse. */
export const wildStack: fc.Arbitrary<Stack> = fc
  .tuple(validStack, stacks(wildEntry, { layers: 1, entries: 4 }))
  .map(([lower, upper]) => [...lower, ...upper]);

/** Stacks that umoci understands as we do: no row of layers.md marked (dev) has a part in them. */
export const plainStack: fc.Arbitrary<Stack> = stacks(
  fc.tuple(named, attributes, xattrs).map(([what, facts, kept]) => ({
    ...{ ...facts, ...what, xattrs: acceptable(what.kind, kept) },
    // The directories that umoci makes itself are those of a file system: a parent's set-group-id
    // bit and group become theirs. And a device whose mode says that it is a file, it fails to make.
    mode: what.kind === "file" ? facts.mode : facts.mode & 0o1777,
  })),
).map((stack) => reduced(stack, true));

/** What Linux lets be set, for umoci fails where it does not. */
function acceptable(kind: StackKind, kept: StackEntry["xattrs"]): StackEntry["xattrs"] {
  const taken = Object.entries(kept).filter(
    ([key]) =>
      key.startsWith("trusted.") ||
      (key.startsWith("user.") && (kind === "file" || kind === "directory")) ||
      kind === "file",
  );
  return Object.fromEntries(
    taken.map(([key, value]) => [key, key === "security.capability" ? CAPABILITY : value]),
  );
}

type Sketch = Named & Omit<StackEntry, keyof Named | "target" | "content" | "minor">;

/** Contents tell the entries apart. */
function stacks(
  sketch: fc.Arbitrary<Sketch>,
  most = { layers: 4, entries: 10 },
): fc.Arbitrary<Stack> {
  const layer = fc.array(sketch, { maxLength: most.entries });
  return fc.array(layer, { minLength: 1, maxLength: most.layers }).map((layers) =>
    layers.map((entries, l) =>
      entries.map((entry, e) => ({
        ...{ ...entry, target: entry.target ?? "" },
        ...{ content: `${l}.${e}`, minor: l * 16 + e },
      })),
    ),
  );
}

/** Leaves out, one after another, what is refused and, if asked, what deviates from umoci. */
function reduced(stack: Stack, isPlain: boolean): Stack {
  let rest = stack;
  for (let place = offence(rest, isPlain); place !== undefined; place = offence(rest, isPlain)) {
    const { layer, entry } = place;
    rest = rest.map((entries, l) => (l === layer ? entries.toSpliced(entry, 1) : entries));
  }
  return rest;
}

function offence(stack: Stack, isPlain: boolean): Place | undefined {
  try {
    const { deviations } = mergeStack(stack);
    return isPlain ? deviations[0] : undefined;
  } catch (error) {
    if (error instanceof ModelError) return error.place;
    throw error;
  }
}
