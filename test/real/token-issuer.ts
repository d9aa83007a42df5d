import { createPrivateKey, randomUUID, sign, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http, { type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { TokenTrust } from "./docker-registry.ts";

const CERTIFICATE = fileURLToPath(new URL("../fixtures/registry/tls/cert.pem", import.meta.url));
const KEY = fileURLToPath(new URL("../fixtures/registry/tls/key.pem", import.meta.url));
const SERVICE = "siflet-test";
const ISSUER = "siflet-test-issuer";

export interface IssuerUser {
  readonly name: string;
  readonly password: string;
  /** Given out with a password's token, and taken in its place. */
  readonly refreshToken: string;
  /** Repositories that it may read and write; all others it may not even read. */
  readonly repositories: readonly string[];
}

/** A running token service; closing stops it. */
export interface TokenIssuer extends AsyncDisposable {
  /** What a registry is told of it. */
  readonly trust: TokenTrust;
  /** `GET` or `POST` and who asked, of each request so far: a user's name, or `-`. */
  readonly asked: readonly string[];
}

/**
 * Starts a token service on a free loopback port: signed tokens for the users given, by GET with their
 * password and by POST with their refresh token. For nobody in particular it gives tokens that grant
 * nothing, as Docker Hub does for private repositories.
 *
 * @see distribution, token authentication and OAuth2 token specifications
 */
export async function startTokenIssuer(users: readonly IssuerUser[]): Promise<TokenIssuer> {
  const signer = await newSigner();
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const { user, scopes } = await askerOf(request, users);
      asked.push(`${request.method ?? ""} ${user?.name ?? "-"}`);
      if (user === undefined && isLogin(request)) {
        response.writeHead(401).end();
        return;
      }
      const token = signer(user, scopes);
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ token, access_token: token, expires_in: 300 }));
    };
    answer().catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    trust: {
      realm: `http://127.0.0.1:${port}/token`,
      service: SERVICE,
      issuer: ISSUER,
      rootcertbundle: CERTIFICATE,
    },
    asked,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

interface Asker {
  readonly user: IssuerUser | undefined;
  readonly scopes: readonly string[];
}

async function askerOf(request: IncomingMessage, users: readonly IssuerUser[]): Promise<Asker> {
  if (request.method === "POST") {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const given = form.get("refresh_token");
    const user = users.find(({ refreshToken }) => refreshToken === given);
    return { user, scopes: (form.get("scope") ?? "").split(" ") };
  }
  const encoded = /^Basic (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const given = Buffer.from(encoded, "base64").toString();
  const user = users.find(({ name, password }) => given === `${name}:${password}`);
  const { searchParams } = new URL(request.url ?? "", "http://issuer.test");
  return { user, scopes: searchParams.getAll("scope") };
}

function isLogin({ method, headers }: IncomingMessage): boolean {
  return method === "POST" || headers.authorization !== undefined;
}

/** Makes the signed tokens. */
async function newSigner(): Promise<
  (user: IssuerUser | undefined, scopes: readonly string[]) => string
> {
  const key = createPrivateKey(await readFile(KEY));
  const certificate = new X509Certificate(await readFile(CERTIFICATE));
  const isRsa = key.asymmetricKeyType === "rsa";
  const header = {
    typ: "JWT",
    alg: isRsa ? "RS256" : "ES256",
    x5c: [certificate.raw.toString("base64")],
  };
  return (user, scopes) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: ISSUER,
      aud: SERVICE,
      sub: user?.name ?? "",
      iat: now,
      nbf: now - 10,
      exp: now + 300,
      jti: randomUUID(),
      access: scopes.flatMap((scope) => accessOf(scope, user)),
    };
    const signed = [header, claims].map((part) => base64url(JSON.stringify(part))).join(".");
    const signature = sign("sha256", Buffer.from(signed), {
      key,
      ...(!isRsa && { dsaEncoding: "ieee-p1363" as const }),
    });
    return `${signed}.${signature.toString("base64url")}`;
  };
}

function accessOf(scope: string, user: IssuerUser | undefined): object[] {
  const [type, name, actions] = scope.split(":");
  if (name === undefined || user?.repositories.includes(name) !== true) return [];
  return [{ type, name, actions: actions?.split(",") ?? [] }];
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}
