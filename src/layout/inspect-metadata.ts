import { definitionText } from "./definition-text.ts";
import { environmentScript, USER_ENVIRONMENT_SCRIPT } from "./environment.ts";
import { imageLabels, type LayoutInput } from "./labels.ts";
import { runScript } from "./run-script.ts";
import { START_SCRIPT } from "./start-script.ts";

/**
 * What runtimes show for `inspect` without starting a container: compact JSON without a line feed
 * at the end, in the order of names and with the escapes that they write themselves. The test
 * script is left out, since the image's own may be there in place of ours.
 *
 * @see sif.md §3.4, inspect-metadata.json
 */
export function inspectMetadata(input: LayoutInput): string {
  const environment = [
    ["/.singularity.d/env/10-docker2singularity.sh", environmentScript(input.config.Env ?? [])],
    ["/.singularity.d/env/90-environment.sh", USER_ENVIRONMENT_SCRIPT],
  ] as const;
  return metadataJson([
    `"environment":${jsonObject(environment.map(([name, script]) => [name, trimmed(script)]))}`,
    labelsMember(input),
    `"runscript":${jsonText(trimmed(runScript(input.config)))}`,
    definitionMember(),
    `"startscript":${jsonText(trimmed(START_SCRIPT))}`,
  ]);
}

/**
 * The same for an image that nothing is added to: labels and definition. Scripts are not in it, for
 * there are none of ours; what the image starts and its environment stand in oci-config.json. That
 * there is an object at all keeps runtimes from starting a container to look for these files.
 */
export function plainInspectMetadata(input: LayoutInput): string {
  return metadataJson([labelsMember(input), definitionMember()]);
}

function metadataJson(attributes: readonly string[]): string {
  return `{"data":{"attributes":{${attributes.join(",")}}},"type":"container"}`;
}

function labelsMember(input: LayoutInput): string {
  return `"labels":${jsonObject(imageLabels(input))}`;
}

function definitionMember(): string {
  return `"deffile":${jsonText(trimmed(definitionText()))}`;
}

function jsonObject(members: Iterable<readonly [string, string]>): string {
  const texts = Array.from(members, ([name, value]) => `${jsonText(name)}:${jsonText(value)}`);
  return `{${texts.join(",")}}`;
}

/** A JSON string with `& < >` and the two line separators escaped too. */
function jsonText(text: string): string {
  return JSON.stringify(text).replace(
    /[&<>\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function trimmed(text: string): string {
  return text.replace(/\n+$/, "");
}
