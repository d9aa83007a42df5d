import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { eraseFromHelper, getFromHelper, storeInHelper } from "./credential-helper.ts";
import { never, newDirectory, revealed, writeHelper } from "./credential-fixture.ts";
import { loginCredential } from "./login.ts";
import type { HelperSurroundings } from "./run-helper.ts";

const QUAY = { suffix: "test", server: "quay.io" };

/** A machine with one helper, of a few lines of shell. */
async function withHelper(
  t: TestContext,
  script: string,
): Promise<HelperSurroundings & { readonly directory: string }> {
  const directory = await newDirectory(t);
  await writeHelper(directory, "test", script);
  return {
    directory,
    variables: { PATH: `${directory}:${process.env["PATH"] ?? ""}`, DIR: directory },
  };
}

const answers = [
  {
    name: "a user and a password",
    script: `echo '{"ServerURL":"quay.io","Username":"bob","Secret":"pw"}'`,
    found: "bob:pw",
  },
  {
    name: "an identity token",
    script: `echo '{"ServerURL":"quay.io","Username":"<token>","Secret":"refresh"}'`,
    found: "identity-token refresh",
  },
  {
    name: "that it knows none",
    script: "echo credentials not found in native keychain; exit 1",
    found: "none",
  },
  { name: "nobody", script: `echo '{"ServerURL":"","Username":"","Secret":""}'`, found: "none" },
  {
    name: "more on standard error",
    script: `echo noise >&2; echo '{"Username":"bob","Secret":"pw"}'`,
    found: "bob:pw",
  },
  {
    name: "without reading what it is told",
    script: `exec 0<&-; echo '{"Username":"bob","Secret":"pw"}'`,
    found: "bob:pw",
  },
] as const;

for (const { name, script, found } of answers) {
  test(`a helper that answers ${name}`, async (t) => {
    assert.equal(revealed(await getFromHelper(QUAY, await withHelper(t, script), never)), found);
  });
}

test("a helper is told the server on its standard input, and the action as its one argument", async (t) => {
  const machine = await withHelper(
    t,
    `echo "$@" > "$DIR/arguments"; cat > "$DIR/input"; echo '{"Username":"u","Secret":"p"}'`,
  );
  await getFromHelper(QUAY, machine, never);
  assert.equal(await readFile(join(machine.directory, "arguments"), "utf8"), "get\n");
  assert.equal(await readFile(join(machine.directory, "input"), "utf8"), "quay.io\n");
});

const failures = [
  {
    name: "fails with words",
    script: "echo the keychain is locked; exit 1",
    message: /get failed: the keychain is locked/,
  },
  {
    name: "fails with an answer",
    script: `echo '{"Username":"bob","Secret":"hunter2"}'; exit 1`,
    message: /get failed$/,
  },
  { name: "is killed", script: "kill -9 $$", message: /get failed$/ },
  { name: "prints junk", script: "echo hunter2", message: /expected JSON/ },
  { name: "prints nothing", script: "true", message: /expected JSON/ },
  { name: "prints a list", script: `echo '["hunter2"]'`, message: /Username and Secret/ },
  {
    name: "leaves the secret out",
    script: `echo '{"Username":"bob"}'`,
    message: /Username and Secret/,
  },
  {
    name: "leaves the user out",
    script: `echo '{"Username":"","Secret":"hunter2"}'`,
    message: /user name/,
  },
  { name: "prints other bytes than text", script: `printf '\\377hunter2'`, message: /UTF-8/ },
  { name: "prints without end", script: "exec yes hunter2", message: /more than 131072 bytes/ },
] as const;

for (const { name, script, message } of failures) {
  test(`a helper that ${name} is an error with its name, and shows no secret`, async (t) => {
    const machine = await withHelper(t, script);
    await assert.rejects(getFromHelper(QUAY, machine, never), (error) => {
      assert.ok(error instanceof Error && "code" in error);
      assert.equal(error.code, "CREDENTIAL_HELPER");
      assert.match(error.message, message);
      assert.match(error.message, /docker-credential-test/);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  });
}

test("a helper that hangs is ended, and so is the wait for what it started", async (t) => {
  // The one that sleeps keeps the pipe open, as a helper of a helper does.
  const machine = await withHelper(t, "sleep 5 & exec sleep 5");
  await assert.rejects(getFromHelper(QUAY, { ...machine, helperMs: 50 }, never), {
    code: "CREDENTIAL_HELPER",
    message: /docker-credential-test: expected an answer, got none within 0.05 s/,
  });
});

test("an abort ends the helper and is thrown as it is", async (t) => {
  const machine = await withHelper(t, 'echo > "$DIR/started"; exec sleep 5');
  const started = join(machine.directory, "started");
  execFileSync("mkfifo", [started]);
  const controller = new AbortController();
  const reason = new Error("enough");
  const asked = getFromHelper(QUAY, machine, controller.signal);
  await readFile(started);
  controller.abort(reason);
  await assert.rejects(asked, (error) => error === reason);
  await assert.rejects(
    getFromHelper(QUAY, machine, controller.signal),
    (error) => error === reason,
  );
});

test("an abort also ends what the helper started", { timeout: 60_000 }, async (t) => {
  const machine = await withHelper(t, '{ echo here; exec sleep 100; } > "$DIR/alive" & wait');
  const alive = join(machine.directory, "alive");
  execFileSync("mkfifo", [alive]);
  const controller = new AbortController();
  const refused = assert.rejects(getFromHelper(QUAY, machine, controller.signal), {
    name: "AbortError",
  });
  for await (const line of createReadStream(alive, "utf8")) {
    assert.equal(line, "here\n");
    controller.abort();
  }
  // The pipe has an end: nobody holds it any more.
  await refused;
});

for (const suffix of ["../test", "a/b", "", "a b", "$(id)", "a\n", "x".repeat(101)]) {
  test(`${JSON.stringify(suffix.slice(0, 20))} is no name of a helper`, async (t) => {
    const machine = await withHelper(t, "true");
    await assert.rejects(getFromHelper({ ...QUAY, suffix }, machine, never), {
      code: "CREDENTIAL_HELPER",
      message: /expected the name/,
    });
  });
}

test("a helper is looked for in absolute directories of PATH, and must be a program", async (t) => {
  const directory = await newDirectory(t);
  await mkdir(join(directory, "docker-credential-test"));
  await assert.rejects(getFromHelper(QUAY, { variables: { PATH: `.::bin:${directory}` } }, never), {
    code: "CREDENTIAL_HELPER",
    message: /docker-credential-test: expected such a program/,
  });
  await assert.rejects(getFromHelper(QUAY, { variables: {} }, never), {
    code: "CREDENTIAL_HELPER",
  });
});

test("a login is stored by its document, and erased by its server", async (t) => {
  const machine = await withHelper(t, `echo "$1" > "$DIR/action"; cat > "$DIR/input"`);
  const input = async (): Promise<string> =>
    await readFile(join(machine.directory, "input"), "utf8");
  await storeInHelper(QUAY, loginCredential("bob", 'p"w'), machine, never);
  assert.deepEqual(JSON.parse(await input()), {
    ServerURL: "quay.io",
    Username: "bob",
    Secret: 'p"w',
  });
  assert.equal(await eraseFromHelper(QUAY, machine, never), true);
  assert.equal(await input(), "quay.io\n");
});

test("erasing what a helper does not know erases nothing", async (t) => {
  const machine = await withHelper(t, "echo credentials not found in native keychain; exit 1");
  assert.equal(await eraseFromHelper(QUAY, machine, never), false);
});
