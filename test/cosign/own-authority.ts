import { createPrivateKey } from "node:crypto";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../real/index.ts";
import type { Holder } from "./sigstore-fixture.ts";

const CA = "basicConstraints=critical,CA:TRUE";

/** A root, an authority below it, and certificates for signing code that it gives out. */
export interface OwnAuthority {
  readonly rootPem: string;
  readonly middlePem: string;
  /** For the given lines of extensions, besides those of every one. */
  readonly certificate: (extensions: string, usage?: string) => Promise<Holder>;
}

/** Made by OpenSSL, all of it. */
export async function startOwnAuthority(): Promise<OwnAuthority> {
  const root = await makeOne("root", undefined, CA);
  const middle = await makeOne("middle", root, CA);
  return {
    rootPem: root.pem,
    middlePem: middle.pem,
    certificate: async (extensions, usage = "codeSigning") => {
      const usages = `basicConstraints=CA:FALSE\nextendedKeyUsage=${usage}`;
      const { pem, keyPem, der } = await makeOne("signer", middle, `${usages}\n${extensions}`);
      return { privateKey: createPrivateKey(keyPem), pem, der };
    },
  };
}

interface Made {
  readonly pem: string;
  readonly keyPem: string;
  readonly der: Buffer;
}

async function makeOne(name: string, issuer: Made | undefined, extensions: string): Promise<Made> {
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-own-"));
  const at = (file: string): string => join(directory.path, file);
  const openssl = async (...words: readonly string[]): Promise<string> =>
    await run("openssl", words);
  await openssl(
    "genpkey",
    "-algorithm",
    "EC",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-out",
    at("key"),
  );
  await openssl(
    "req",
    "-new",
    "-key",
    at("key"),
    "-subj",
    `/O=Example/CN=${name}`,
    "-out",
    at("csr"),
  );
  await writeFile(at("ext"), extensions);
  if (issuer !== undefined) {
    await writeFile(at("ca"), issuer.pem);
    await writeFile(at("ca.key"), issuer.keyPem);
  }
  const by =
    issuer === undefined
      ? ["-signkey", at("key")]
      : ["-CA", at("ca"), "-CAkey", at("ca.key"), "-CAcreateserial"];
  const options = ["-days", "30", "-extfile", at("ext"), "-out", at("pem")];
  await openssl("x509", "-req", "-in", at("csr"), ...by, ...options);
  const pem = await readFile(at("pem"), "utf8");
  const base64 = pem.replace(/-----[A-Z ]+-----/g, "");
  return { pem, keyPem: await readFile(at("key"), "utf8"), der: Buffer.from(base64, "base64") };
}
