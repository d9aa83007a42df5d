/** Where the entry of a worker thread lies: `name.ts` beside the source, `name.js` when published. */
export function threadUrl(importMetaUrl: string, name: string): URL {
  return new URL(`./${name}${importMetaUrl.endsWith(".ts") ? ".ts" : ".js"}`, importMetaUrl);
}
