import { Secret } from "../base/index.ts";
import type { RuntimeMessage } from "../wire/index.ts";

/** The secrets of a request's credentials in all forms in which somebody could repeat them. */
export function givenSecrets(auth: RuntimeMessage<"AuthConfig"> | undefined): Secret[] {
  if (auth === undefined) return [];
  const { username, password, identityToken, registryToken } = auth;
  const decoded = Buffer.from(auth.auth, "base64").toString("utf8");
  const inAuth = decoded.slice(decoded.indexOf(":") + 1);
  const secrets = [password, identityToken, registryToken, auth.auth, inAuth];
  const pairs = [password, identityToken, registryToken].map((each) => `${username}:${each}`);
  const forms = [...secrets, ...pairs, decoded].flatMap((text) => [
    text,
    Buffer.from(text).toString("base64"),
    Buffer.from(text).toString("base64url"),
    encodeURIComponent(text.toWellFormed()),
    JSON.stringify(text).slice(1, -1),
  ]);
  return [...new Set(forms)].filter((text) => text !== "").map((text) => new Secret(text));
}
