import { ACTION_SCRIPTS } from "./action-scripts.ts";
import { definitionText } from "./definition-text.ts";
import {
  APPS_BASE_SCRIPT,
  APPS_SCRIPT,
  BASE_SCRIPT,
  environmentScript,
  LAST_BASE_SCRIPT,
  RUNTIME_VARIABLES_SCRIPT,
  USER_ENVIRONMENT_SCRIPT,
} from "./environment.ts";
import { labelsJson, type LayoutInput } from "./labels.ts";
import { runScript } from "./run-script.ts";
import { START_SCRIPT, TEST_SCRIPT } from "./start-script.ts";

/**
 * What becomes of a path that the image already has (a link at its end is not followed):
 * - `if-absent`: the image's stays, whatever it is;
 * - `replace`: ours takes its place, whatever it was; of a directory only owner, mode and times,
 *   what is in it stays;
 * - `replace-symlink`: ours takes the place of a symbolic link with another target; anything else
 *   stays.
 */
export type RuntimePolicy = "if-absent" | "replace" | "replace-symlink";

/** One path that is added to an image. Owner 0:0 and mtime 0 are implied. */
export type RuntimeEntry = {
  /** From the root, without a slash at either end; ASCII. */
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly policy: RuntimePolicy;
} & (
  | { readonly kind: "directory" }
  | { readonly kind: "file"; readonly content: Uint8Array }
  | { readonly kind: "symlink"; readonly target: string }
);

/** Ours, in a tree that is the runtimes' own. */
const RUNTIME_DIRECTORIES = [
  ".singularity.d",
  ".singularity.d/actions",
  ".singularity.d/env",
  ".singularity.d/libs",
];

/** Where runtimes mount; `var` only as the parent of `var/tmp`. */
const MOUNT_POINTS = ["dev", "etc", "home", "proc", "root", "sys", "tmp", "var", "var/tmp"];

/** Files that runtimes bind over. An image's own are never emptied. */
const BIND_TARGETS = ["etc/hosts", "etc/resolv.conf"];

const LINKS = [
  [".exec", ".singularity.d/actions/exec"],
  [".run", ".singularity.d/actions/run"],
  [".shell", ".singularity.d/actions/shell"],
  [".test", ".singularity.d/actions/test"],
  ["environment", ".singularity.d/env/90-environment.sh"],
  ["singularity", ".singularity.d/runscript"],
] as const;

/**
 * Everything that layout/1 adds to an image's tree, a parent before what is in it. To be applied in
 * this order, each by its policy. Links on the way are followed inside the image; an entry whose
 * parent is then no directory, or a link that leads to none, is left out. An image's own files
 * outside /.singularity.d are never changed, beyond links at the root that are named like ours.
 *
 * @see docs/layout-1.md; sif.md §3.4, §3.5
 */
export function runtimeEntries(input: LayoutInput): readonly RuntimeEntry[] {
  return [
    ...RUNTIME_DIRECTORIES.map((path) => directory(path, "replace")),
    ...MOUNT_POINTS.map((path) => directory(path, "if-absent")),
    ...BIND_TARGETS.map((path) => file(path, 0o644, "", "if-absent")),
    ...scripts(input),
    file(".singularity.d/Singularity", 0o644, definitionText(), "replace"),
    file(".singularity.d/labels.json", 0o644, labelsJson(input), "replace"),
    ...LINKS.map(([path, target]) => symlink(path, target)),
  ];
}

function scripts({ config }: LayoutInput): RuntimeEntry[] {
  const replaced = {
    ...Object.fromEntries(
      Object.entries(ACTION_SCRIPTS).map(([name, text]) => [`actions/${name}`, text]),
    ),
    "env/01-base.sh": BASE_SCRIPT,
    "env/10-docker2singularity.sh": environmentScript(config.Env ?? []),
    "env/90-environment.sh": USER_ENVIRONMENT_SCRIPT,
    "env/95-apps.sh": APPS_SCRIPT,
    "env/99-base.sh": LAST_BASE_SCRIPT,
    "env/99-runtimevars.sh": RUNTIME_VARIABLES_SCRIPT,
    runscript: runScript(config),
    startscript: START_SCRIPT,
  };
  // These two say what else is in the image, so one that came with it knows better.
  const kept = { "env/94-appsbase.sh": APPS_BASE_SCRIPT, test: TEST_SCRIPT };
  const entries = (
    texts: Readonly<Record<string, string>>,
    policy: RuntimePolicy,
  ): RuntimeEntry[] =>
    Object.entries(texts).map(([name, text]) =>
      file(`.singularity.d/${name}`, 0o755, text, policy),
    );
  return [...entries(replaced, "replace"), ...entries(kept, "if-absent")];
}

function directory(path: string, policy: RuntimePolicy): RuntimeEntry {
  return { path, kind: "directory", mode: 0o755, policy };
}

function file(path: string, mode: number, text: string, policy: RuntimePolicy): RuntimeEntry {
  return { path, kind: "file", mode, content: new TextEncoder().encode(text), policy };
}

function symlink(path: string, target: string): RuntimeEntry {
  return { path, kind: "symlink", mode: 0o777, target, policy: "replace-symlink" };
}
