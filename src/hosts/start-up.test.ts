import assert from "node:assert/strict";
import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { registerHooks } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

// In a file, and so a process, of its own: what is loaded once stays.

test("the TOML parser is loaded where there is a file for it, and not before", async () => {
  const asked: string[] = [];
  using _hooks = hooksNoting(asked);
  const { ConfiguredHosts, registriesConfPlaces } = await import("./index.ts");
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-hosts-"));
  const hosts = new ConfiguredHosts({
    client: { allowsPlainHttp: () => false },
    directories: [directory.path],
    registriesConf: registriesConfPlaces(directory.path, {}).slice(0, 1),
  });
  const never = new AbortController().signal;
  const name = { domain: "reg.test", repository: "app", tag: "1" };
  await hosts.endpointsOf(name, never);
  assert.ok(asked.includes("./index.ts"), "imports were seen");
  assert.ok(!asked.includes("toml-eslint-parser"));
  await mkdir(join(directory.path, "reg.test"));
  await writeFile(join(directory.path, "reg.test/hosts.toml"), 'server = "https://m.test"');
  await hosts.endpointsOf(name, never);
  assert.ok(asked.includes("toml-eslint-parser"));
});

function hooksNoting(asked: string[]): Disposable {
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      asked.push(specifier);
      return next(specifier, context);
    },
  });
  return {
    [Symbol.dispose]: () => {
      hooks.deregister();
    },
  };
}
