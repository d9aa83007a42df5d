import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { AUTHORITY_DIRECTORY } from "./fixtures/authority/index.ts";
import { DEFAULT_LIMITS } from "../src/base/index.ts";
import { parseImageName } from "../src/image/index.ts";
import { pull } from "../src/index.ts";
import { Registries } from "../src/registry/index.ts";
import { makeImage, openTestClient } from "./fixtures/registry/index.ts";
import { tar } from "./fixtures/tar/index.ts";
import {
  noiseBytes,
  pushFixture,
  pushImage,
  smallImage,
  startDockerRegistry,
  startNginx,
} from "./real/index.ts";

// Real servers, and the command as it is: registries where operators' files say they are.

const SIFLET = resolve(import.meta.dirname, "../siflet");

interface Outcome {
  readonly exitCode: unknown;
  readonly id: unknown;
  readonly stderr: string;
}

interface Machine {
  /** What `siflet pull --no-store` of this name comes to. */
  pull(name: string): Promise<Outcome>;
  /** Writes a file below the only directory of registries. */
  write(name: string, text: string): Promise<void>;
  /** The same with a file of the test authority. */
  copy(name: string, from: string): Promise<void>;
}

/** A user with a home, a configuration and nothing else, all of it deleted after the test. */
async function machine(t: TestContext): Promise<Machine> {
  const home = await mkdtemp(join(tmpdir(), "siflet-machine-"));
  t.after(() => rm(home, { recursive: true }));
  const directory = join(home, "certs.d");
  const config = join(home, "config.yaml");
  await writeFile(config, `registries:\n  directories: [${directory}]\n`);
  const place = async (name: string): Promise<string> => {
    const path = join(name.startsWith(".") ? home : directory, name);
    await mkdir(dirname(path), { recursive: true });
    return path;
  };
  return {
    pull: (name) =>
      new Promise((done) => {
        const args = ["--config", config, "pull", "--no-store", "--force", "--json"];
        const file = join(home, "out.sif");
        execFile(
          SIFLET,
          [...args, "--output", file, name],
          { env: { PATH: process.env["PATH"], HOME: home } },
          (error, stdout, stderr) => {
            const info: unknown = stdout === "" ? {} : JSON.parse(stdout);
            const id = (info as { id?: unknown }).id;
            done({ exitCode: error?.code ?? 0, id, stderr });
          },
        );
      }),
    write: async (name, text) => {
      await writeFile(await place(name), text);
    },
    copy: async (name, from) => {
      await copyFile(join(AUTHORITY_DIRECTORY, from), await place(name));
    },
  };
}

const inAuthority = (name: string): string => join(AUTHORITY_DIRECTORY, name);

test("a registry behind nginx with a private authority and client certificates", async (t) => {
  await using registry = await startDockerRegistry();
  await pushImage(await smallImage(), `${registry.host}/team/small:1`);
  await using nginx = await startNginx({
    upstream: registry.host,
    certificate: inAuthority("server.cert"),
    key: inAuthority("server.key"),
    clientAuthority: inAuthority("authority.crt"),
  });
  const user = await machine(t);
  const plain = await user.pull(`${registry.host}/team/small:1`);
  assert.equal(plain.exitCode, 0, plain.stderr);
  const name = `${nginx.host}/team/small:1`;

  await t.test("is reached by hosts.toml", async () => {
    const text =
      `server = "https://${nginx.host}"\nca = "${inAuthority("authority.crt")}"\n` +
      `client = [["${inAuthority("client.cert")}", "${inAuthority("client.key")}"]]`;
    await user.write(`${nginx.host}/hosts.toml`, text);
    assert.equal((await user.pull(name)).id, plain.id);
  });

  await t.test("is reached by certificates as Docker has them", async () => {
    await user.write(`${nginx.host}/hosts.toml`, "");
    await user.copy(`${nginx.host}/ca.crt`, "authority.crt");
    await user.copy(`${nginx.host}/client.cert`, "client.cert");
    await user.copy(`${nginx.host}/client.key`, "client.key");
    assert.equal((await user.pull(name)).id, plain.id);
  });

  await t.test("wants a certificate", async () => {
    const text = `server = "https://${nginx.host}"\nca = "${inAuthority("authority.crt")}"`;
    await user.write(`${nginx.host}/hosts.toml`, text);
    const { exitCode, stderr } = await user.pull(name);
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /400|certificate/);
  });

  await t.test("is not believed without the authority", async () => {
    await user.write(`${nginx.host}/hosts.toml`, `server = "https://${nginx.host}"`);
    const { exitCode, stderr } = await user.pull(name);
    assert.equal(exitCode, 5);
    assert.match(stderr, /certificate/);
  });

  await t.test(
    "is believed where the check is switched off, and still wants a certificate",
    async () => {
      const text =
        `server = "https://${nginx.host}"\nskip_verify = true\n` +
        `client = [["${inAuthority("client.cert")}", "${inAuthority("client.key")}"]]`;
      await user.write(`${nginx.host}/hosts.toml`, text);
      assert.equal((await user.pull(name)).id, plain.id);
    },
  );
});

test("a pull-through cache that hosts.toml names", async (t) => {
  await using registry = await startDockerRegistry();
  await pushImage(await smallImage(), `${registry.host}/team/small:1`);
  await using cache = await startDockerRegistry({ mirrored: `http://${registry.host}` });
  const user = await machine(t);
  const plain = await user.pull(`${registry.host}/team/small:1`);
  const name = "upstream.test/team/small:1";

  await t.test("gives what the registry has", async () => {
    const text = `server = "http://${cache.host}"\n[host."http://${cache.host}"]`;
    await user.write("upstream.test/hosts.toml", text);
    const pulled = await user.pull(name);
    assert.equal(pulled.id, plain.id, pulled.stderr);
  });

  await registry.close();

  await t.test(
    "gives blobs while the registry is gone, and no meaning of a tag that it may not give",
    async () => {
      const text = `server = "http://${registry.host}"\n[host."http://${cache.host}"]\n`;
      await user.write("upstream.test/hosts.toml", `${text}capabilities = ["pull"]`);
      const { exitCode, stderr } = await user.pull(name);
      assert.equal(exitCode, 5);
      assert.match(stderr, /ECONNREFUSED/);
      await user.write("upstream.test/hosts.toml", `${text}capabilities = ["pull", "resolve"]`);
      const pulled = await user.pull(name);
      assert.equal(pulled.id, plain.id, pulled.stderr);
    },
  );

  await t.test("is not asked, and nobody is, where a file means nothing", async () => {
    await user.write("upstream.test/hosts.toml", `\ncapabilties = ["pull"]`);
    const { exitCode, stderr } = await user.pull(name);
    assert.equal(exitCode, 2);
    assert.match(stderr, /upstream\.test\/hosts\.toml:2: unknown key "capabilties"/);
  });

  await t.test("is not asked where registries.conf blocks the registry", async () => {
    await user.write(
      ".config/containers/registries.conf",
      '[[registry]]\nprefix = "upstream.test/team"\nlocation = "upstream.test/team"\nblocked = true',
    );
    const { exitCode, stderr } = await user.pull(name);
    assert.equal(exitCode, 4);
    assert.match(stderr, /registries\.conf:4: upstream\.test\/team\/small:1 is not asked for/);
  });
});

test("a mirror that dies in the middle of a blob costs no byte twice", async (t) => {
  await using registry = await startDockerRegistry();
  await using client = openTestClient();
  const layers = [tar([{ path: "f", data: noiseBytes("mirror", 20_000_000) }])];
  const image = makeImage({ layers, compression: "none" });
  const registries = new Registries({ client: client.client, limits: DEFAULT_LIMITS });
  const name = `${registry.host}/team/large:1`;
  await pushFixture(image, parseImageName(name), registries);
  const nginx = await startNginx({
    upstream: registry.host,
    certificate: inAuthority("server.cert"),
    key: inAuthority("server.key"),
    rate: 4_000_000,
  });
  t.after(() => nginx.close());
  const directory = await mkdtemp(join(tmpdir(), "siflet-mirror-"));
  t.after(() => rm(directory, { recursive: true }));
  const place = join(directory, "hosts", registry.host);
  await mkdir(place, { recursive: true });
  await writeFile(
    join(place, "hosts.toml"),
    `[host."https://${nginx.host}"]\nca = "${inAuthority("authority.crt")}"\n`,
  );
  let came = 0;
  let death: Promise<void> | undefined;
  const pulled = await pull(join(directory, "mirrored"), name, {
    registryDirectories: [join(directory, "hosts")],
    onProgress: (event) => {
      if (event.kind !== "fetched") return;
      assert.ok(event.bytes >= came, "what came once does not come again");
      came = event.bytes;
      if (came > 4_000_000) death ??= nginx.close();
    },
  });
  assert.ok(death !== undefined, "the mirror was in use");
  await death;
  assert.equal(pulled.id, (await pull(join(directory, "plain"), name)).id);
});
