import { execArguments, textLines } from "./shell-word.ts";

/** Reads the environment as runtimes do that start the container by these scripts. */
const ENVIRONMENT: readonly string[] = [
  "#!/bin/sh",
  "for SIFLET_SCRIPT in /.singularity.d/env/*.sh; do",
  '    if test -f "${SIFLET_SCRIPT}"; then',
  '        . "${SIFLET_SCRIPT}"',
  "    fi",
  "done",
  "unset SIFLET_SCRIPT",
];

// What the user chose, under the name that either runtime hands it on by.
const APP = "${APPTAINER_APPNAME:-${SINGULARITY_APPNAME:-}}";
const SHELL = "${APPTAINER_SHELL:-${SINGULARITY_SHELL:-}}";

/** Runs `script` of the image, or of the app that the user chose. */
function scriptAction(script: string): string {
  return textLines(
    ...ENVIRONMENT,
    `if test -n "${APP}"; then`,
    `    exec "/scif/apps/${APP}/scif/${script}" "$@"`,
    "fi",
    `exec /.singularity.d/${script} "$@"`,
  );
}

/**
 * `/.singularity.d/actions` by file name. Native runtimes have such scripts built in; these are for
 * `--oci` and for bundles that name them as the process to start.
 *
 * @see sif.md §3.4, §3.5
 */
export const ACTION_SCRIPTS: Readonly<Record<string, string>> = {
  exec: textLines(...ENVIRONMENT, ...execArguments("exec")),
  run: scriptAction("runscript"),
  shell: textLines(
    ...ENVIRONMENT,
    `if test -n "${SHELL}" && test -x "${SHELL}"; then`,
    `    exec "${SHELL}" "$@"`,
    "fi",
    "if test -x /bin/bash; then",
    "    export SHELL=/bin/bash",
    '    exec /bin/bash --norc "$@"',
    "fi",
    "export SHELL=/bin/sh",
    'exec /bin/sh "$@"',
  ),
  start: scriptAction("startscript"),
  test: scriptAction("test"),
};
