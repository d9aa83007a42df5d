import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { basic, never, newDirectory } from "./credential-fixture.ts";
import { editCredentialFile } from "./edit-credential-file.ts";

const PROCESSES = 8;
const LOGINS = 8;

const SCRIPT = `
  const { loginCredential, parseLoginTarget, removeLogin, saveLogin } = await import(process.argv[1]);
  const [path, name] = process.argv.slice(2);
  const { signal } = new AbortController();
  const credential = loginCredential("bob", "pw");
  for (let count = 0; count < ${LOGINS}; count++) {
    const key = parseLoginTarget(name + count + ".example");
    await saveLogin(path, { key, credential }, { variables: {} }, signal);
    await removeLogin(path, parseLoginTarget("old-" + name + count + ".example"), { variables: {} }, signal);
  }`;

test("logins and logouts of many processes at once lose no entry", async (t) => {
  const directory = await newDirectory(t);
  const path = join(directory, "auth.json");
  const entry = { auth: basic("bob:pw") };
  const names = Array.from({ length: PROCESSES }, (_, index) => `p${index}-`);
  const hosts = names.flatMap((name) =>
    Array.from({ length: LOGINS }, (_, count) => `${name}${count}.example`),
  );
  const old = hosts.map((host) => [`old-${host}`, entry] as const);
  await writeFile(
    path,
    JSON.stringify({ auths: Object.fromEntries([["kept", entry] as const, ...old]) }),
  );
  const login = join(import.meta.dirname, "login.ts");
  const ends = names.map(async (name) => {
    const args = ["--input-type=module", "-e", SCRIPT, login, path, name];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    await once(child, "close");
    return child.exitCode;
  });
  assert.deepEqual(
    await Promise.all(ends),
    names.map(() => 0),
  );
  const after = JSON.parse(await readFile(path, "utf8")) as { readonly auths: object };
  assert.deepEqual(Object.keys(after.auths).sort(), ["kept", ...hosts].sort());
  assert.deepEqual(await readdir(directory), ["auth.json"]);
});

test("what another program writes between reading and writing is not lost", async (t) => {
  const directory = await newDirectory(t);
  const path = join(directory, "auth.json");
  await writeFile(path, '{"auths": {}}');
  const seen: string[][] = [];
  const isWritten = await editCredentialFile(
    path,
    ({ members, auths }) => {
      seen.push([...auths.keys()]);
      if (seen.length === 1) {
        writeFileSync(`${path}.new`, '{"auths": {"quay.io": {}}}');
        renameSync(`${path}.new`, path);
      }
      return { ...members, edited: true };
    },
    never,
  );
  assert.equal(isWritten, true);
  assert.deepEqual(seen, [[], ["quay.io"]]);
  assert.deepEqual(JSON.parse(await readFile(path, "utf8")), {
    auths: { "quay.io": {} },
    edited: true,
  });
  assert.deepEqual(await readdir(directory), ["auth.json"]);
});

test("an edit that changes nothing writes nothing, and makes no directory", async (t) => {
  const directory = await newDirectory(t);
  const isWritten = await editCredentialFile(join(directory, "a/b.json"), () => undefined, never);
  assert.equal(isWritten, false);
  assert.deepEqual(await readdir(directory), []);
});
