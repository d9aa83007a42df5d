import { shellWord, textLines } from "./shell-word.ts";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The script that gives a container its image's environment. PATH is set; any other variable only
 * where it is unset or empty, so that what the user passes wins. An entry whose name no shell can
 * assign is left out; one without `=` marks the variable for export; of several with one name the
 * last counts.
 *
 * @param entries - `Env` of the image's configuration
 * @see sif.md §3.4, ENV
 */
export function environmentScript(entries: readonly string[]): string {
  const values = new Map<string, string | undefined>();
  for (const entry of entries) {
    const at = entry.indexOf("=");
    const name = at < 0 ? entry : entry.slice(0, at);
    if (!NAME.test(name)) continue;
    if (at >= 0) values.set(name, entry.slice(at + 1));
    else if (!values.has(name)) values.set(name, undefined);
  }
  return textLines("#!/bin/sh", ...Array.from(values, ([name, value]) => exportLine(name, value)));
}

function exportLine(name: string, value: string | undefined): string {
  if (value === undefined) return `export ${name}`;
  if (name === "PATH") return `export PATH=${shellWord(value)}`;
  // `test` and not `${NAME:-"value"}`: quotes within quotes are read differently by every shell. And
  // no export of what has a value already: some such names are read-only where this is sourced.
  return `test -n "\${${name}:-}" || export ${name}=${shellWord(value)}`;
}

/** Nothing to set before the image's own environment; the name is one that runtimes expect. */
export const BASE_SCRIPT: string = textLines(
  "#!/bin/sh",
  "# Read first. The image's environment is in 10-docker2singularity.sh.",
);

export const USER_ENVIRONMENT_SCRIPT: string = textLines(
  "#!/bin/sh",
  "# For variables beyond those of the image.",
);

export const APPS_BASE_SCRIPT: string = textLines(
  "#!/bin/sh",
  "# For variables about the apps of this image; there are none.",
);

/** Puts the app that `run --app` names before the rest of the image. */
export const APPS_SCRIPT: string = textLines(
  "#!/bin/sh",
  "# With an app chosen, its programs and libraries come first and its own environment is read.",
  'SIFLET_APP="${APPTAINER_APPNAME:-${SINGULARITY_APPNAME:-}}"',
  'if test -n "${SIFLET_APP}"; then',
  '    export SCIF_APPS="/scif/apps"',
  '    export SCIF_APPROOT="${SCIF_APPS}/${SIFLET_APP}"',
  '    if ! test -d "${SCIF_APPROOT}"; then',
  '        echo "no app ${SIFLET_APP} in this image" >&2',
  "        exit 1",
  "    fi",
  '    export PATH="${SCIF_APPROOT}/bin:${SCIF_APPROOT}${PATH:+:${PATH}}"',
  '    export LD_LIBRARY_PATH="${SCIF_APPROOT}/lib${LD_LIBRARY_PATH:+:${LD_LIBRARY_PATH}}"',
  '    for SIFLET_FILE in "${SCIF_APPROOT}/scif/env/01-base.sh" "${SCIF_APPROOT}/scif/env/90-environment.sh"; do',
  '        if test -f "${SIFLET_FILE}"; then',
  '            . "${SIFLET_FILE}"',
  "        fi",
  "    done",
  "    unset SIFLET_FILE",
  "fi",
  "unset SIFLET_APP",
);

/**
 * Libraries that a runtime binds into the container, and the prompt. Runtimes set the variables
 * that the user passes right after this very file, so without it there would be none.
 */
export const LAST_BASE_SCRIPT: string = textLines(
  "#!/bin/sh",
  "# Runtimes bind libraries of the host into /.singularity.d/libs.",
  'export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+${LD_LIBRARY_PATH}:}/.singularity.d/libs"',
  "export PS1='Singularity> '",
  'if test -n "${APPTAINER_NAME:-}"; then',
  "    PS1='Apptainer> '",
  "fi",
);

/** What the user wants before, behind or instead of the image's PATH. */
export const RUNTIME_VARIABLES_SCRIPT: string = textLines(
  "#!/bin/sh",
  "# The user's changes to PATH, under the names that runtimes hand them on by.",
  'if test -n "${SING_USER_DEFINED_PREPEND_PATH:-}"; then',
  '    PATH="${SING_USER_DEFINED_PREPEND_PATH}${PATH:+:${PATH}}"',
  "fi",
  'if test -n "${SING_USER_DEFINED_APPEND_PATH:-}"; then',
  '    PATH="${PATH:+${PATH}:}${SING_USER_DEFINED_APPEND_PATH}"',
  "fi",
  'export PATH="${SING_USER_DEFINED_PATH:-${PATH:-}}"',
  "unset SING_USER_DEFINED_PREPEND_PATH SING_USER_DEFINED_APPEND_PATH SING_USER_DEFINED_PATH",
);
