import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import type { X509Certificate } from "node:crypto";
import { promisify } from "node:util";
import { certificateKey, parseCertificates } from "./certificate-key.ts";

/** Certificates that OpenSSL made, by name. */
const made = new Map<string, X509Certificate>();

const DAY_MS = 86_400_000;
const CA = "basicConstraints=critical,CA:TRUE";
const CODE = "basicConstraints=CA:FALSE\nextendedKeyUsage=codeSigning";

before(async (t) => {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-x509-"));
  (t as unknown as { after: (work: () => Promise<void>) => void }).after(async () => {
    await directory[Symbol.asyncDispose]();
  });
  const make = async (
    name: string,
    issuer: string,
    extensions: string,
    days = 30,
  ): Promise<void> => {
    const path = join(directory.path, name);
    const by = join(directory.path, issuer);
    const run = async (...args: readonly string[]): Promise<unknown> =>
      await promisify(execFile)("openssl", args);
    const subject = ["-subj", `/O=Example/CN=${name}`];
    await run("genpkey", "-algorithm", "ed25519", "-out", `${path}.key`);
    await run("req", "-new", "-key", `${path}.key`, ...subject, "-out", `${path}.csr`);
    await writeFile(`${path}.ext`, extensions);
    const signer =
      issuer === name
        ? ["-signkey", `${path}.key`]
        : ["-CA", `${by}.pem`, "-CAkey", `${by}.key`, "-CAcreateserial"];
    const options = ["-days", String(days), "-extfile", `${path}.ext`, "-out", `${path}.pem`];
    await run("x509", "-req", "-in", `${path}.csr`, ...signer, ...options);
    const [certificate] = parseCertificates(await readFile(`${path}.pem`, "utf8"), name);
    assert.ok(certificate !== undefined);
    made.set(name, certificate);
  };
  await make("root", "root", CA);
  await make("middle", "root", CA);
  await make("signer", "middle", CODE);
  await make("server", "middle", "extendedKeyUsage=serverAuth");
  await make("plain", "middle", "basicConstraints=CA:FALSE");
  await make("brief", "middle", CODE, 1);
  await make("no-authority", "root", "basicConstraints=CA:FALSE");
  await make("below-none", "no-authority", CODE);
  await make("other", "other", CA);
  await make("for-servers", "root", `${CA}\nextendedKeyUsage=serverAuth`);
  await make("below-for-servers", "for-servers", CODE);
  await make("for-code", "root", `${CA}\nextendedKeyUsage=serverAuth,codeSigning`);
  await make("below-for-code", "for-code", CODE);
  const others = "nameConstraints=permitted;email:.department.test";
  await make("department", "root", `${CA}\n${others}`);
  await make("below-department", "department", `${CODE}\nsubjectAltName=email:a@release.test`);
});

function certificate(name: string): X509Certificate {
  const found = made.get(name);
  assert.ok(found !== undefined);
  return found;
}

interface Case {
  readonly name: string;
  readonly leaf: string;
  readonly intermediates?: readonly string[];
  readonly roots?: readonly string[];
  readonly inDays?: number;
  /** Undefined: it is accepted. */
  readonly message?: RegExp;
}

const cases: readonly Case[] = [
  { name: "a chain to a root", leaf: "signer" },
  {
    name: "a chain in another order, with a stranger",
    leaf: "signer",
    intermediates: ["other", "middle"],
  },
  {
    name: "an intermediate that is trusted itself",
    leaf: "signer",
    intermediates: [],
    roots: ["middle"],
  },
  { name: "a signer that is trusted itself", leaf: "signer", intermediates: [], roots: ["signer"] },
  {
    name: "a chain with a gap",
    leaf: "signer",
    intermediates: [],
    message: /a chain to a trusted root/,
  },
  {
    name: "a chain to another root",
    leaf: "signer",
    roots: ["other"],
    message: /a chain to a trusted root/,
  },
  { name: "no root", leaf: "signer", roots: [], message: /a chain to a trusted root/ },
  { name: "a certificate of a server", leaf: "server", message: /codeSigning/ },
  { name: "a certificate for nothing in particular", leaf: "plain", message: /codeSigning/ },
  {
    name: "a certificate that has expired",
    leaf: "brief",
    inDays: 2,
    message: /CN=brief to be valid now/,
  },
  { name: "a root that has expired", leaf: "signer", inDays: 31, message: /to be valid now/ },
  { name: "a certificate of the future", leaf: "signer", inDays: -1, message: /to be valid now/ },
  {
    name: "an issuer that is no authority",
    leaf: "below-none",
    intermediates: ["no-authority"],
    message: /a chain to a trusted root/,
  },
  {
    name: "an authority that may vouch for servers alone",
    leaf: "below-for-servers",
    intermediates: ["for-servers"],
    message: /a chain to a trusted root/,
  },
  {
    name: "an authority that may vouch for code and servers",
    leaf: "below-for-code",
    intermediates: ["for-code"],
  },
  {
    name: "a name that its authority may not vouch for",
    leaf: "below-department",
    intermediates: ["department"],
    message: /CN=department to vouch for any name/,
  },
  {
    name: "an authority for some names that is trusted itself",
    leaf: "below-department",
    intermediates: [],
    roots: ["department"],
  },
];

for (const {
  name,
  leaf,
  intermediates = ["middle"],
  roots = ["root"],
  inDays = 0,
  message,
} of cases) {
  test(`${name} is ${message === undefined ? "accepted" : "refused"}`, () => {
    const chain = {
      leaf: certificate(leaf),
      intermediates: intermediates.map(certificate),
      roots: roots.map(certificate),
    };
    const key = (): unknown => {
      const { subject, source } = certificateKey(chain, "leaf.pem", Date.now() + inDays * DAY_MS);
      return { subject, source };
    };
    if (message !== undefined) assert.throws(key, { code: "CERTIFICATE_INVALID", message });
    else assert.deepEqual(key(), { subject: `O=Example, CN=${leaf}`, source: "leaf.pem" });
  });
}

test("what is no certificate is told with the file's name", () => {
  const text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
  assert.throws(() => parseCertificates(text, "x.pem"), {
    code: "CERTIFICATE_INVALID",
    message: /^x\.pem: /,
  });
  assert.deepEqual(parseCertificates("nothing", "x.pem"), []);
});
