import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { runScript } from "./run-script.ts";
import { awkward, runInShell, shells, withShow } from "./shell-fixture.ts";

const PATH = "/usr/bin:/bin";

const vectors = [
  {
    name: "ENTRYPOINT and CMD without arguments",
    config: { Entrypoint: ["show", "-e"], Cmd: ["a", "b c"] },
    args: [],
    expected: ["-e", "a", "b c"],
  },
  {
    name: "ENTRYPOINT and CMD with arguments",
    config: { Entrypoint: ["show", "-e"], Cmd: ["a", "b c"] },
    args: ["x", "y z"],
    expected: ["-e", "x", "y z"],
  },
  {
    name: "an empty argument, which replaces CMD too",
    config: { Entrypoint: ["show"], Cmd: ["a"] },
    args: [""],
    expected: [""],
  },
  {
    name: "ENTRYPOINT alone",
    config: { Entrypoint: ["show", "-e"] },
    args: [],
    expected: ["-e"],
  },
  {
    name: "ENTRYPOINT alone with arguments",
    config: { Entrypoint: ["show", "-e"] },
    args: ["x"],
    expected: ["-e", "x"],
  },
  { name: "CMD alone", config: { Cmd: ["show", "a"] }, args: [], expected: ["a"] },
  {
    name: "CMD alone with arguments",
    config: { Cmd: ["false"] },
    args: ["show", "x"],
    expected: ["x"],
  },
  { name: "neither, with arguments", config: {}, args: ["show", "x"], expected: ["x"] },
  {
    name: "neither, which is /bin/sh",
    config: { Entrypoint: [], Cmd: [] },
    args: [],
    input: "show 'from standard input'",
    expected: ["from standard input"],
  },
  {
    name: "awkward words in ENTRYPOINT",
    config: { Entrypoint: ["show", ...awkward] },
    args: [],
    expected: awkward,
  },
  {
    name: "awkward words in CMD",
    config: { Entrypoint: ["show"], Cmd: awkward },
    args: [],
    expected: awkward,
  },
  {
    name: "awkward arguments",
    config: { Entrypoint: ["show"], Cmd: ["a"] },
    args: awkward,
    expected: awkward,
  },
  {
    name: "a word that holds NULs, which no argument can",
    config: { Entrypoint: ["show", "a\0b\0"] },
    args: [],
    expected: ["ab"],
  },
  {
    name: "a word of 100 kB",
    config: { Entrypoint: ["show", "'".repeat(100_000)] },
    args: [],
    expected: ["'".repeat(100_000)],
  },
];

for (const shell of shells) {
  for (const { name, config, args, expected, input } of vectors) {
    test(`${shell} runs ${name}`, () => {
      withShow((folder) => {
        const script = runScript(config);
        const env = { PATH: `${folder}:${PATH}` };
        const outcome = runInShell(folder, shell, script, args, env, input);
        assert.deepEqual(outcome, { status: 0, words: expected, stderr: "" });
      });
    });
  }

  test(`${shell} refuses to take a dashed word for an option of exec`, () => {
    withShow((folder) => {
      const env = { PATH: `${folder}:${PATH}` };
      const outcome = runInShell(folder, shell, runScript({}), ["-c", "show"], env);
      assert.equal(outcome.status, 127);
      assert.deepEqual(outcome.words, []);
      assert.match(outcome.stderr, /^run: -c: /);
    });
  });

  test(`${shell} hands on the environment as it was`, () => {
    withShow((folder) => {
      const env = { PATH: `${folder}:${PATH}`, SIFLET_ARGUMENT: "mine", SINGULARITY_OCI_RUN: "x" };
      const script = runScript({ Entrypoint: ["env", "-0"] });
      const { words } = runInShell(folder, shell, script, [], env);
      const ours = words.filter((word) => /^(SIF|SING|OCI)/.test(word)).sort();
      assert.deepEqual(ours, ["SIFLET_ARGUMENT=mine", "SINGULARITY_OCI_RUN=x"]);
    });
  });

  test(`${shell} expands arguments, and no word of the image, with SIFLET_EVAL`, () => {
    withShow((folder) => {
      const env = { PATH: `${folder}:${PATH}`, SIFLET_EVAL: "1", NAME: "a  b" };
      const script = runScript({ Entrypoint: ["show", "$NAME"], Cmd: ["$NAME"] });
      const given = ["$NAME", "", "$(echo c)", "-x", "two words", "*"];
      const { words } = runInShell(folder, shell, script, given, env);
      assert.deepEqual(words, ["$NAME", "a  b", "", "c", "-x", "two words", "*"]);
      assert.deepEqual(runInShell(folder, shell, script, [], env).words, ["$NAME", "$NAME"]);
    });
  });

  test(`${shell} hands any text on unchanged`, () => {
    const word = fc.string({
      unit: fc.oneof(
        fc.constantFrom("'", '"', "\\", "$", "`", "\r", "\n", " ", "*"),
        fc.string({ unit: "binary", size: "xsmall" }),
      ),
    });
    withShow((folder) => {
      const env = { PATH: `${folder}:${PATH}` };
      fc.assert(
        fc.property(fc.array(word), (words) => {
          const script = runScript({ Entrypoint: ["show"], Cmd: words });
          const expected = words.map((text) => text.replaceAll("\0", "").toWellFormed());
          assert.deepEqual(runInShell(folder, shell, script, [], env).words, expected);
        }),
        { numRuns: 40, seed: 3 },
      );
    });
  });
}

test("runScript has the line that runtimes look for, before any line of the image's making", () => {
  const lines = runScript({ Entrypoint: ["x".repeat(70_000)], Cmd: ["y"] }).split("\n");
  const at = lines.indexOf('eval "set ${SINGULARITY_OCI_RUN}"');
  const long = lines.findIndex((line) => line.length > 65_536);
  assert.ok(at > 0 && at < long);
});
