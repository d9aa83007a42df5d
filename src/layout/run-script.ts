import type { OciConfig } from "../image/index.ts";
import { execArguments, shellWord, textLines } from "./shell-word.ts";

/**
 * What `run` starts: ENTRYPOINT, then the arguments of the run or else CMD, exactly those words.
 * An image that has neither runs /bin/sh, or its arguments.
 *
 * The line that begins with `eval` is, to the letter and unindented, what makes a runtime read
 * this script with its own interpreter, so that an image without /bin/sh can be run. Runtimes give
 * up the search at a line past 64 KiB, so it stands before anything that the image decides.
 *
 * @see sif.md §3.4, §3.5
 */
export function runScript(config: OciConfig): string {
  const entrypoint = config.Entrypoint ?? [];
  const command = config.Cmd ?? [];
  const fallback = entrypoint.length + command.length === 0 ? ["/bin/sh"] : command;
  return textLines(
    "#!/bin/sh",
    "# The image's entrypoint, then the arguments of this run or else the image's command, word for",
    "# word. With SIFLET_EVAL set, the shell expands each argument first, as runtimes used to do.",
    'if test -n "${SIFLET_EVAL:-}"; then',
    "    SINGULARITY_OCI_RUN='--'",
    '    for SIFLET_ARGUMENT in "$@"; do',
    String.raw`        SINGULARITY_OCI_RUN="${"${SINGULARITY_OCI_RUN}"} \"${"${SIFLET_ARGUMENT}"}\""`,
    "    done",
    'eval "set ${SINGULARITY_OCI_RUN}"',
    "    unset SINGULARITY_OCI_RUN SIFLET_ARGUMENT",
    "fi",
    ...whenNoArguments(fallback),
    ...beforeArguments(entrypoint),
    ...execArguments("run"),
  );
}

function whenNoArguments(words: readonly string[]): string[] {
  if (words.length === 0) return [];
  return ["if test $# -eq 0; then", `    set -- ${words.map(shellWord).join(" ")}`, "fi"];
}

function beforeArguments(words: readonly string[]): string[] {
  return words.length === 0 ? [] : [`set -- ${words.map(shellWord).join(" ")} "$@"`];
}
