import assert from "node:assert/strict";
import { test } from "node:test";
import {
  environmentScript,
  LAST_BASE_SCRIPT,
  RUNTIME_VARIABLES_SCRIPT,
  APPS_SCRIPT,
} from "./environment.ts";
import { awkward, runInShell, shells, withShow } from "./shell-fixture.ts";

/** The environment after `script`, without what shells set of themselves. */
function environmentAfter(
  shell: string,
  script: string,
  env: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return withShow((folder) => {
    const outcome = runInShell(folder, shell, `${script}exec /usr/bin/env -0\n`, [], env);
    assert.equal(outcome.status, 0, outcome.stderr);
    assert.equal(outcome.stderr, "");
    const pairs = outcome.words.map((word) => {
      const at = word.indexOf("=");
      return [word.slice(0, at), word.slice(at + 1)] as const;
    });
    return Object.fromEntries(pairs.filter(([name]) => !["_", "PWD", "SHLVL"].includes(name)));
  });
}

const images = [
  { name: "no entries", entries: [], env: { A: "host" }, expected: { A: "host" } },
  { name: "an unset variable", entries: ["A=image"], env: {}, expected: { A: "image" } },
  { name: "an empty variable", entries: ["A=image"], env: { A: "" }, expected: { A: "image" } },
  { name: "a set variable", entries: ["A=image"], env: { A: "user" }, expected: { A: "user" } },
  { name: "an empty value", entries: ["A="], env: {}, expected: { A: "" } },
  { name: "a value with =", entries: ["A=b=c="], env: {}, expected: { A: "b=c=" } },
  {
    name: "PATH, whatever it was",
    entries: ["PATH=/i"],
    env: { PATH: "/h" },
    expected: { PATH: "/i" },
  },
  { name: "the last of several", entries: ["A=1", "A=2"], env: {}, expected: { A: "2" } },
  {
    name: "the last PATH of several",
    entries: ["PATH=/1", "B=x", "PATH=/2"],
    env: {},
    expected: { PATH: "/2", B: "x" },
  },
  {
    name: "an entry without = of a set variable",
    entries: ["A"],
    env: { A: "x" },
    expected: { A: "x" },
  },
  { name: "an entry without = of an unset one", entries: ["A"], env: {}, expected: {} },
  {
    name: "an entry without = after a value",
    entries: ["A=1", "A"],
    env: {},
    expected: { A: "1" },
  },
  {
    name: "an entry without = before a value",
    entries: ["A", "A=1"],
    env: {},
    expected: { A: "1" },
  },
  {
    name: "names that no shell can assign",
    entries: ["", "=x", "1A=x", "A-B=x", "A.B=x", "A B=x", "Ä=x", "A$(echo)=x", "A\n=x", "OK=y"],
    env: {},
    expected: { OK: "y" },
  },
  {
    name: "names of every allowed form",
    entries: ["_a=1", "Z9_=2", "__proto__=3", "constructor=4"],
    env: {},
    expected: JSON.parse('{"_a":"1","Z9_":"2","__proto__":"3","constructor":"4"}') as Record<
      string,
      string
    >,
  },
  { name: "a value with NULs", entries: ["A=x\0y"], env: {}, expected: { A: "xy" } },
  {
    name: "awkward values",
    entries: awkward.map((text, at) => `V${at}=${text}`),
    env: { HOME: "/h" },
    expected: { HOME: "/h", ...Object.fromEntries(awkward.map((text, at) => [`V${at}`, text])) },
  },
];

for (const shell of shells) {
  for (const { name, entries, env, expected } of images) {
    test(`${shell} takes from environmentScript ${name}`, () => {
      assert.deepEqual(environmentAfter(shell, environmentScript(entries), env), expected);
    });
  }
}

/** Variables that some shell sets, reads or makes read-only. */
const shellsOwn = [
  ...[
    "BASHOPTS",
    "BASH_ENV",
    "CDPATH",
    "ENV",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "IFS",
    "LINENO",
    "OPTIND",
  ],
  ...["POSIXLY_CORRECT", "PPID", "PS1", "PS4", "PWD", "RANDOM", "SHELLOPTS", "TMOUT", "UID", "_"],
];
for (const shell of shells) {
  for (const name of shellsOwn) {
    test(`${shell} reads on where an image sets ${name}`, () => {
      const image = environmentScript([`${name}=/,:=`, "A=a /,:= b"]);
      const script = image + APPS_SCRIPT + LAST_BASE_SCRIPT + RUNTIME_VARIABLES_SCRIPT;
      const after = environmentAfter(shell, script, { PATH: "/bin:/usr/bin" });
      assert.equal(after["A"], "a /,:= b");
      assert.equal(after["PATH"], "/bin:/usr/bin");
    });
  }
}

const before = "SING_USER_DEFINED_PREPEND_PATH";
const behind = "SING_USER_DEFINED_APPEND_PATH";
const instead = "SING_USER_DEFINED_PATH";
const paths = [
  { name: "nothing asked", env: { PATH: "/i" }, expected: "/i" },
  { name: "before", env: { PATH: "/i", [before]: "/p" }, expected: "/p:/i" },
  { name: "behind", env: { PATH: "/i", [behind]: "/a" }, expected: "/i:/a" },
  { name: "both", env: { PATH: "/i", [before]: "/p", [behind]: "/a" }, expected: "/p:/i:/a" },
  { name: "instead", env: { PATH: "/i", [before]: "/p", [instead]: "/x" }, expected: "/x" },
  { name: "before an empty PATH", env: { PATH: "", [before]: "/p" }, expected: "/p" },
  { name: "behind an empty PATH", env: { PATH: "", [behind]: "/a" }, expected: "/a" },
];
for (const shell of shells) {
  for (const { name, env, expected } of paths) {
    test(`${shell} gives PATH as the user wants it: ${name}`, () => {
      const after = environmentAfter(shell, RUNTIME_VARIABLES_SCRIPT, env);
      assert.deepEqual(after, { PATH: expected });
    });
  }

  test(`${shell} finds the runtimes' libraries last and has a prompt`, () => {
    const libs = "/.singularity.d/libs";
    assert.deepEqual(environmentAfter(shell, LAST_BASE_SCRIPT), {
      LD_LIBRARY_PATH: libs,
      PS1: "Singularity> ",
    });
    const env = { LD_LIBRARY_PATH: "/l", APPTAINER_NAME: "x.sif" };
    assert.deepEqual(environmentAfter(shell, LAST_BASE_SCRIPT, env), {
      APPTAINER_NAME: "x.sif",
      LD_LIBRARY_PATH: `/l:${libs}`,
      PS1: "Apptainer> ",
    });
  });

  test(`${shell} changes nothing where no app is chosen, and refuses one that is not there`, () => {
    assert.deepEqual(environmentAfter(shell, APPS_SCRIPT, { A: "b" }), { A: "b" });
    withShow((folder) => {
      const outcome = runInShell(folder, shell, APPS_SCRIPT, [], { SINGULARITY_APPNAME: "none" });
      assert.deepEqual(outcome, { status: 1, words: [], stderr: "no app none in this image\n" });
    });
  });
}
