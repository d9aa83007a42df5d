import { ProblemAt, type LocatedEntry, type LocatedValue } from "../base/index.ts";
import {
  formatPlatform,
  ImageError,
  parsePlatform,
  type Compression,
  type Layout,
  type Owners,
  type ProfileWish,
} from "../image/index.ts";
import { choiceKind, isWord, refusal, scalarOf, WORD_FORM, type ValueKind } from "./value-kinds.ts";

/** What pulls for one runtime handler of Kubernetes get; what is absent is the usual. */
export interface RuntimeHandler extends ProfileWish {
  /** `os/architecture[/variant]` in normal form. */
  readonly platform?: string;
}

export type RuntimeHandlers = Readonly<Record<string, RuntimeHandler>>;

const compression = choiceKind<Compression>(["gzip", "zstd"]);
const owners = choiceKind<Owners>(["image", "root"]);
const layout = choiceKind<Layout>(["runtime", "plain"]);
const KEYS = "platform, compression, owners, layout";

/** Names of handlers, as a list or with what is different for each. */
export const runtimeHandlersKind: ValueKind<RuntimeHandlers> = {
  parse(located) {
    if (located.kind === "list") {
      return Object.fromEntries(located.items.map((item) => [wordOf(item), {}]));
    }
    if (located.kind !== "map") throw refusal(located, "a list of names, or names with settings");
    return Object.fromEntries(
      located.entries.map(({ key, value, line }) => {
        if (isWord(key)) return [key, parseHandler(value)];
        throw new ProblemAt(line, `expected ${WORD_FORM}, got ${JSON.stringify(key)}`);
      }),
    );
  },
  format: (handlers) =>
    `{${Object.entries(handlers)
      .map(([name, handler]) => `${name}: {${formatHandler(handler)}}`)
      .join(", ")}}`,
  toJson: (handlers) =>
    Object.fromEntries(Object.entries(handlers).map(([name, handler]) => [name, shown(handler)])),
};

function parseHandler(located: LocatedValue): RuntimeHandler {
  // `gvisor:` with nothing behind it is one like the usual.
  if (located.kind === "scalar" && located.value === null) return {};
  if (located.kind !== "map") throw refusal(located, `some of ${KEYS}`);
  return located.entries
    .map(parseMember)
    .reduce<RuntimeHandler>((all, member) => ({ ...all, ...member }), {});
}

function parseMember({ key, value, line }: LocatedEntry): RuntimeHandler {
  switch (key) {
    case "platform":
      return { platform: platformOf(value) };
    case "compression":
      return { compression: compression.parse(value) };
    case "owners":
      return { owners: owners.parse(value) };
    case "layout":
      return { layout: layout.parse(value) };
    default:
      throw new ProblemAt(line, `unknown key ${JSON.stringify(key)}: expected one of ${KEYS}`);
  }
}

function wordOf(located: LocatedValue): string {
  const value = scalarOf(located);
  if (typeof value === "string" && isWord(value)) return value;
  throw refusal(located, WORD_FORM);
}

function platformOf(located: LocatedValue): string {
  try {
    return formatPlatform(parsePlatform(String(scalarOf(located))));
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw refusal(located, "os/architecture or os/architecture/variant");
  }
}

function shown(handler: RuntimeHandler): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(handler).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function formatHandler(handler: RuntimeHandler): string {
  return Object.entries(shown(handler))
    .map(([key, value]) => `${key}: ${value}`)
    .join(", ");
}
