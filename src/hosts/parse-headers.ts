import { ProblemAt, type LocatedEntry } from "../base/index.ts";
import { entriesIn } from "../toml/index.ts";

/** What belongs to a connection or to one request, so that no file can say it for all of them. */
const RESERVED: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "expect",
  "host",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "range",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\x20-\x7e]*$/;

/**
 * The headers of a `header` table: a text or a list of texts each, names in lower case.
 * `Authorization` is taken: it goes to this one origin, and nowhere that it redirects to.
 *
 * @throws ProblemAt; its message shows no value, for it may be a secret
 */
export function parseHeaders({ key, value }: LocatedEntry): Readonly<Record<string, string>> {
  const headers = new Map<string, string>();
  for (const entry of entriesIn(value, key)) {
    const name = entry.key.toLowerCase();
    const shown = `${key}.${JSON.stringify(entry.key)}`;
    if (!NAME.test(name))
      throw new ProblemAt(entry.line, `${shown}: expected the name of a header`);
    if (RESERVED.has(name)) {
      throw new ProblemAt(entry.line, `${shown}: expected a header that is free to be set`);
    }
    if (headers.has(name)) throw new ProblemAt(entry.line, `${shown}: expected once, got twice`);
    headers.set(name, valueOf(entry, shown));
  }
  return Object.fromEntries(headers);
}

function valueOf({ value, line }: LocatedEntry, shown: string): string {
  const items = value.kind === "list" ? value.items : [value];
  const texts = items.map((item) => {
    if (item.kind === "scalar" && typeof item.value === "string" && VALUE.test(item.value)) {
      return item.value;
    }
    throw new ProblemAt(item.line, `${shown}: expected printable ASCII text or a list of such`);
  });
  if (texts.length === 0)
    throw new ProblemAt(line, `${shown}: expected a value, got an empty list`);
  return texts.join(", ");
}
