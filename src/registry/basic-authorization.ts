import type { Secret } from "../base/index.ts";

/** The value of an `Authorization` header with a user name and a password, in UTF-8; RFC 7617. */
export function basicAuthorization(username: string, password: Secret): string {
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString("base64")}`;
}
