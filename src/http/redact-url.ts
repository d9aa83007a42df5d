const MASK = "***";
const MAX_CHARS = 500;

/**
 * A URL as it may be shown: user info is left out and every query value is masked except that of
 * `ns`, since signed URLs carry their signature, and some their token, in the query. Of one without a host
 * or a path (`mailto:bob@a.test`), which nobody asks for, only the scheme is shown. At most 500 characters.
 *
 * @see registry.md §13.1, logs
 */
export function redactUrl(url: URL): string {
  if (!url.pathname.startsWith("/") && url.host === "") return `${url.protocol}${MASK}`;
  // By hand: `URLSearchParams` would rewrite the names and encode the mask.
  const query = url.search
    .slice(1)
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const name = pair.split("=", 1)[0] ?? "";
      if (name === "ns") return pair;
      // Without "=" the whole pair may be the secret.
      return pair.includes("=") ? `${name}=${MASK}` : MASK;
    })
    .join("&");
  const shown = `${url.protocol}//${url.host}${url.pathname}${query === "" ? "" : `?${query}`}`;
  return shown.length <= MAX_CHARS ? shown : `${shown.slice(0, MAX_CHARS - 1)}…`;
}
