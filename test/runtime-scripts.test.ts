import assert from "node:assert/strict";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { awkward, shells } from "../src/layout/shell-fixture.ts";
import { convertLayers, type Cleanup } from "./fixtures/convert-layers.ts";
import { parseShown, runInRoot, shellRoot, type Shown } from "./fixtures/shell-root.ts";
import { tar, type TarItem } from "./fixtures/tar/index.ts";
import { unsquash } from "./real/index.ts";

// The scripts of layout/1 in an image as it was converted, run in it as runtimes run them.

const config = {
  Entrypoint: ["/bin/show", "it's", "$HOME"],
  Cmd: ["a  b", ""],
  Env: ["PATH=/image/bin:/bin", "GREETING=good $day", "LINES=a\nb", "EMPTY=", "BARE", "a.b=c"],
};

/**
 * What a runtime does before it starts the script that it is given: it reads the image's
 * environment and then, right after 99-base.sh, sets what the user asked for.
 */
const RUNTIME = `#!/bin/sh
for file in /.singularity.d/env/*.sh; do
  . "$file"
  if test "$file" = /.singularity.d/env/99-base.sh; then
    export GREETING='of the user' FRESH=1
    export SING_USER_DEFINED_APPEND_PATH=/user/bin
  fi
done
unset file
exec "$@"
`;

const ownFiles: readonly TarItem[] = [
  { path: "runtime", data: RUNTIME, mode: 0o755 },
  { path: ".singularity.d/env/20-own.sh", data: 'export OWN="$GREETING"' },
  { path: ".singularity.d/env/README", data: "exit 9" },
  { path: ".singularity.d/test", data: '#!/bin/sh\nexec show tested "$@"\n', mode: 0o755 },
  {
    path: "scif/apps/tool/scif/runscript",
    data: '#!/bin/sh\nexec /bin/show tool "$@"\n',
    mode: 0o755,
  },
  { path: "scif/apps/tool/scif/env/90-environment.sh", data: "export OF_TOOL=1" },
];

const IMAGE_ENV = {
  PATH: "/image/bin:/bin",
  GREETING: "good $day",
  LINES: "a\nb",
  EMPTY: "",
  OWN: "good $day",
  LD_LIBRARY_PATH: "/.singularity.d/libs",
};

const D = "/.singularity.d";

interface Row {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  /** What of the environment is not the image's. */
  readonly differs?: Readonly<Record<string, string>>;
}

const rows: readonly Row[] = [
  {
    name: "run starts ENTRYPOINT and CMD",
    command: [`${D}/actions/run`],
    args: ["it's", "$HOME", "a  b", ""],
  },
  {
    name: "run replaces CMD by its arguments, word for word",
    command: [`${D}/actions/run`, ...awkward],
    args: ["it's", "$HOME", ...awkward],
  },
  { name: "run is /.run too", command: ["/.run", "x"], args: ["it's", "$HOME", "x"] },
  {
    name: "the caller's variables stay, but for PATH",
    command: [`${D}/actions/run`],
    env: { PATH: "/host", GREETING: "hello", LINES: "", LD_LIBRARY_PATH: "/l", OTHER: "x" },
    args: ["it's", "$HOME", "a  b", ""],
    differs: { GREETING: "hello", OWN: "hello", LD_LIBRARY_PATH: `/l:${D}/libs`, OTHER: "x" },
  },
  {
    name: "exec starts its words as they are",
    command: [`${D}/actions/exec`, "show", ...awkward],
    args: awkward,
  },
  { name: "exec is /.exec too", command: ["/.exec", "show"], args: [] },
  {
    name: "test starts the image's own script",
    command: [`${D}/actions/test`, "a b"],
    args: ["tested", "a b"],
  },
  {
    name: "shell is /bin/sh",
    command: [`${D}/actions/shell`, "-c", 'exec show "$0" "$@"', "a  b", "*"],
    args: ["a  b", "*"],
    differs: { SHELL: "/bin/sh" },
  },
  ...["SINGULARITY_SHELL", "APPTAINER_SHELL"].map((variable) => ({
    name: `shell is what ${variable} names`,
    command: [`${D}/actions/shell`, "x"],
    env: { [variable]: "/bin/show" },
    args: ["x"],
    differs: { [variable]: "/bin/show" },
  })),
  {
    name: "shell is /bin/sh where there is none of that name",
    command: [`${D}/actions/shell`, "-c", "exec show x"],
    env: { SINGULARITY_SHELL: "/bin/nope" },
    args: ["x"],
    differs: { SINGULARITY_SHELL: "/bin/nope", SHELL: "/bin/sh" },
  },
  ...["SINGULARITY_APPNAME", "APPTAINER_APPNAME"].map((variable) => ({
    name: `run starts the app that ${variable} names`,
    command: [`${D}/actions/run`, "a b"],
    env: { [variable]: "tool" },
    args: ["tool", "a b"],
    differs: {
      [variable]: "tool",
      PATH: "/scif/apps/tool/bin:/scif/apps/tool:/image/bin:/bin",
      LD_LIBRARY_PATH: `/scif/apps/tool/lib:${D}/libs`,
      SCIF_APPS: "/scif/apps",
      SCIF_APPROOT: "/scif/apps/tool",
      OF_TOOL: "1",
    },
  })),
  {
    name: "a runtime that reads the environment itself has the user's variables win",
    command: ["/runtime", `${D}/runscript`, "x"],
    args: ["it's", "$HOME", "x"],
    differs: { GREETING: "of the user", FRESH: "1", PATH: "/image/bin:/bin:/user/bin" },
  },
  {
    name: "a runtime finds the script by the link that is older than the directory",
    command: ["/runtime", "/singularity", "x"],
    args: ["it's", "$HOME", "x"],
    differs: { GREETING: "of the user", FRESH: "1", PATH: "/image/bin:/bin:/user/bin" },
  },
];

const silent: readonly {
  readonly name: string;
  readonly result: Shown;
  readonly command: string[];
}[] = [
  {
    name: "start has nothing to do",
    command: [`${D}/actions/start`, "x"],
    result: { status: 0, stdout: "", stderr: "" },
  },
  {
    name: "the environment by its old name sets nothing",
    command: ["/bin/sh", "-c", ". /environment; echo read"],
    result: { status: 0, stdout: "read\n", stderr: "" },
  },
];

const isRoot = process.getuid?.() === 0;
const why = "a root directory of one's own needs root";
if (!isRoot && process.env["CI"] === "true") throw new Error(why);
const skip = isRoot ? false : why;

for (const shell of shells) {
  describe(`with ${shell} as /bin/sh`, { skip }, () => {
    const stack = new AsyncDisposableStack();
    let root: string;

    before(async () => {
      root = await unpackedImage(shell, stack);
    });
    after(() => stack.disposeAsync());

    for (const { name, command, env, args, differs } of rows) {
      test(name, () => {
        const { status, stdout, stderr } = runInRoot(root, command, env);
        assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
        const shown = parseShown(stdout);
        assert.deepEqual(shown.args, args);
        assert.deepEqual(shown.env, { ...IMAGE_ENV, ...differs });
      });
    }

    for (const { name, command, result } of silent) {
      test(name, () => {
        assert.deepEqual(runInRoot(root, command), result);
      });
    }

    test("an app that is not there is refused", () => {
      const env = { SINGULARITY_APPNAME: "none" };
      const { status, stdout, stderr } = runInRoot(root, [`${D}/actions/run`], env);
      const expected = { status: 1, stdout: "", stderr: "no app none in this image\n" };
      assert.deepEqual({ status, stdout, stderr }, expected);
    });

    test("exec does not take a dashed word for an option of the shell's own", () => {
      const { status, stdout, stderr } = runInRoot(root, ["/.exec", "-c", "show"]);
      assert.deepEqual([status, stdout], [127, ""]);
      assert.match(stderr, /^exec: -c: /);
    });

    test("a program that is not there is 127, as the shell says it", () => {
      const { status, stdout } = runInRoot(root, [`${D}/actions/exec`, "nope"]);
      assert.deepEqual([status, stdout], [127, ""]);
    });
  });
}

/** Unpacks an image of this machine's `shell` with ours around it. */
async function unpackedImage(shell: string, stack: AsyncDisposableStack): Promise<string> {
  const cleanup: Cleanup = {
    after: (release) => {
      stack.defer(release);
    },
  };
  const layers = [{ tar: tar(await shellRoot(shell)) }, { tar: tar(ownFiles) }];
  const { path, partition } = await convertLayers(cleanup, layers, { config });
  const work = stack.use(await mkdtempDisposable(join(tmpdir(), "siflet-scripts-")));
  const root = join(work.path, "root");
  await unsquash(path, partition.offset, root);
  return root;
}
