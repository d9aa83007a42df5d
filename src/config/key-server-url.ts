/** The port of plain HKP. */
const HKP_PORT = "11371";

/** What `keyServerUrl` reads, for messages. */
export const KEY_SERVER_FORM = "a key server as hkps://HOST, https://HOST/PATH or hkp://HOST:PORT";

/**
 * Where the key server that `text` names is asked: https for `hkps://` and `https://`, http at port 11371 for
 * `hkp://`.
 *
 * @returns undefined for what names none; a user, a password, a query or a fragment name none
 */
export function keyServerUrl(text: string): URL | undefined {
  const scheme = /^(hkps?|https):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined || !/^[^:]+:\/\/[^/\s?#@][^\s?#@]*$/.test(text)) return undefined;
  const rest = text.slice(scheme.length);
  const url = URL.parse(`${scheme === "hkp" ? "http" : "https"}${rest}`);
  if (url === null || url.username !== "") return undefined;
  // Of a plain URL the port 80, which it has by default, cannot be told from none.
  const hasPort = /^:\/\/[^/]*:[0-9]+(?:\/|$)/.test(rest);
  if (scheme === "hkp" && !hasPort) url.port = HKP_PORT;
  return url;
}
