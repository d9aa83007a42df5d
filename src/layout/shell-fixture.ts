import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Both are Essential in Debian; images bring one or the other as /bin/sh. */
export const shells = ["dash", "bash"] as const;

/** Texts that a script which quotes carelessly would change. */
export const awkward: readonly string[] = [
  "",
  " ",
  "two  words",
  "\ttab",
  "it's",
  `"double"`,
  `'"'"'`,
  "$HOME",
  "${HOME}",
  "$(echo no)",
  "`echo no`",
  "back\\slash",
  "\\",
  "\\\\",
  "end\\\n",
  "line\nfeed",
  "\n",
  "carriage\rreturn",
  "dos\r\nline\r\n",
  "\\\r\n",
  "\r\r\n\n",
  "*",
  "?[a-z]",
  "~",
  "~root/x",
  "#comment",
  "a;b&c|d<e>f",
  "!history",
  "{a,b}",
  "A=B",
  "-n",
  "--",
  "%s%d\\n",
  "ünïcødé ☃ 𝄞",
  "\u00a0",
  "\u001b[31m\u0007",
  'eval "set ${SINGULARITY_OCI_RUN}"',
];

/** A folder with `show`, which prints its arguments, each ended by a NUL; for the end of `use`. */
export function withShow<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "siflet-layout-"));
  try {
    const show = `#!/bin/sh\ntest $# -eq 0 || printf '%s\\0' "$@"\n`;
    writeFileSync(join(folder, "show"), show, { mode: 0o755 });
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface Outcome {
  readonly status: number | null;
  /** What was printed, cut at each NUL. */
  readonly words: readonly string[];
  readonly stderr: string;
}

/** Runs `script` as a file would be run, in an environment that is nothing but `env`. */
export function runInShell(
  folder: string,
  shell: string,
  script: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  input = "",
): Outcome {
  const file = join(folder, "script");
  writeFileSync(file, script);
  const { status, stdout, stderr, error } = spawnSync(`/bin/${shell}`, [file, ...args], {
    env,
    cwd: folder,
    encoding: "utf8",
    input,
  });
  if (error !== undefined) throw error;
  return { status, words: stdout.split("\0").slice(0, -1), stderr };
}
