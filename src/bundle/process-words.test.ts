import assert from "node:assert/strict";
import { test } from "node:test";
import type { OciConfig } from "../image/index.ts";
import { commandOf, environmentOf, workdirOf, type ProcessWish } from "./process-words.ts";

const NOTHING: ProcessWish = { env: [], tty: false };
const IMAGE: OciConfig = { Entrypoint: ["/bin/tool", "-v"], Cmd: ["serve", ""] };
const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

interface CommandRow {
  readonly name: string;
  readonly config?: OciConfig;
  readonly wish?: Partial<ProcessWish>;
  readonly words: readonly string[];
}

const commands: readonly CommandRow[] = [
  { name: "Cmd follows Entrypoint", words: ["/bin/tool", "-v", "serve", ""] },
  { name: "Cmd alone", config: { Cmd: ["sh", "-c", "x"] }, words: ["sh", "-c", "x"] },
  { name: "Entrypoint alone", config: { Entrypoint: ["tool"] }, words: ["tool"] },
  {
    name: "arguments take the place of Cmd",
    wish: { command: ["check", "a b"] },
    words: ["/bin/tool", "-v", "check", "a b"],
  },
  { name: "another entrypoint drops Cmd", wish: { entrypoint: "/bin/sh" }, words: ["/bin/sh"] },
  {
    name: "no entrypoint leaves the arguments",
    wish: { entrypoint: "", command: ["id", "-u"] },
    words: ["id", "-u"],
  },
];

for (const { name, config, wish, words } of commands) {
  test(`the command of a bundle: ${name}`, () => {
    assert.deepEqual(commandOf(config ?? IMAGE, { ...NOTHING, ...wish }), words);
  });
}

const refusals: readonly Omit<CommandRow, "words">[] = [
  { name: "nothing at all", config: {} },
  { name: "no entrypoint and no arguments", wish: { entrypoint: "" } },
  { name: "a program without a name", config: { Cmd: ["", "x"] } },
  { name: "a word with a NUL", config: { Cmd: ["sh", "a\0b"] } },
];

for (const { name, config, wish } of refusals) {
  test(`the command of a bundle is refused: ${name}`, () => {
    assert.throws(() => commandOf(config ?? IMAGE, { ...NOTHING, ...wish }), {
      code: "BUNDLE_COMMAND",
    });
  });
}

const environments: readonly {
  readonly name: string;
  readonly env: readonly string[];
  readonly wish?: Partial<ProcessWish>;
  readonly variables: readonly string[];
}[] = [
  { name: "what every program expects is added", env: [], variables: [PATH, "HOME=/home/app"] },
  {
    name: "the image's own stays",
    env: ["PATH=/bin", "HOME=/", "X=a=b", "EMPTY="],
    variables: ["PATH=/bin", "HOME=/", "X=a=b", "EMPTY="],
  },
  {
    name: "of one name the last counts, the caller's before the image's",
    env: ["X=1", "X=2", "Y=1"],
    wish: { env: ["Y=2", "Z=3"] },
    variables: ["X=2", "Y=2", "Z=3", PATH, "HOME=/home/app"],
  },
  {
    name: "what is no variable is left out",
    env: ["BARE", "=x", "", "N=a\0b"],
    variables: [PATH, "HOME=/home/app"],
  },
  {
    name: "a terminal has a kind",
    env: [],
    wish: { tty: true },
    variables: [PATH, "HOME=/home/app", "TERM=xterm"],
  },
];

for (const { name, env, wish, variables } of environments) {
  test(`the environment of a bundle: ${name}`, () => {
    const found = environmentOf({ Env: env }, { ...NOTHING, ...wish }, "/home/app");
    assert.deepEqual(found, variables);
  });
}

const workdirs = [
  { name: "none is the root", config: {}, workdir: undefined, path: "/" },
  { name: "the image's", config: { WorkingDir: "/srv/app" }, workdir: undefined, path: "/srv/app" },
  {
    name: "a relative one is the root's",
    config: { WorkingDir: "srv" },
    workdir: undefined,
    path: "/srv",
  },
  {
    name: "none leads above the root",
    config: { WorkingDir: "../../x" },
    workdir: undefined,
    path: "/x",
  },
  { name: "the caller's", config: { WorkingDir: "/srv" }, workdir: "/work", path: "/work" },
] as const;

for (const { name, config, workdir, path } of workdirs) {
  test(`the working directory of a bundle: ${name}`, () => {
    const wish = workdir === undefined ? NOTHING : { ...NOTHING, workdir };
    assert.equal(workdirOf(config, wish), path);
  });
}
