import { textLines } from "./shell-word.ts";

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

/** Runs `script` of the image, or of the app that the user chose. */
function scriptAction(script: string): string {
  return textLines(
    ...ENVIRONMENT,
    'if test -n "${SINGULARITY_APPNAME:-}"; then',
    `    exec "/scif/apps/\${SINGULARITY_APPNAME}/scif/${script}" "$@"`,
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
  exec: textLines(...ENVIRONMENT, 'exec "$@"'),
  run: scriptAction("runscript"),
  shell: textLines(
    ...ENVIRONMENT,
    'if test -n "${SINGULARITY_SHELL:-}" && test -x "${SINGULARITY_SHELL}"; then',
    '    exec "${SINGULARITY_SHELL}" "$@"',
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
