import { familiarText } from "../image/index.ts";
import { formatAge, formatSize } from "./format.ts";
import type { InspectedImage } from "./image-json.ts";
import { printable } from "./printable.ts";
import { formatTable } from "./table.ts";

/** A field with its values, one a line; a field without values is left out. */
type Field = readonly [name: string, values: readonly string[]];

/** What `siflet inspect` prints for people. */
export function inspectText(image: InspectedImage, now: number): string {
  return [
    section("Image", aboutFields(image, now)),
    section("Start", startFields(image)),
    section("Labels", Object.entries(image.ociConfig?.Labels ?? {}).map(labelField)),
    section("Layers", layerFields(image)),
    section("Source", sourceFields(image)),
  ]
    .filter((text) => text !== "")
    .join("\n");
}

function section(title: string, fields: readonly Field[]): string {
  const rows = fields.flatMap(([name, values]) =>
    values.map((value, index) => [`  ${index === 0 ? printable(name) : ""}`, printable(value)]),
  );
  return rows.length === 0 ? "" : `${title}\n${formatTable(rows)}`;
}

function aboutFields(image: InspectedImage, now: number): Field[] {
  const { names, profile, partition } = image;
  const time = (text: string): string => `${text} (${formatAge(Date.parse(text), now)})`;
  return [
    ["names", [...names.tags, ...names.digests].map(familiarText)],
    ["id", [image.id]],
    ["file", [image.path]],
    ["size", [exactSize(image.size)]],
    ["platform", [image.platform]],
    [
      "profile",
      profile === undefined
        ? []
        : [`${profile.codec}, ${profile.layout}, owners ${profile.owners}`],
    ],
    [
      "partition",
      partition === null ? [] : [`offset ${partition.offset}, size ${exactSize(partition.size)}`],
    ],
    ["created", [time(image.createdAt)]],
    ["last used", [time(image.lastUsedAt)]],
    ["borrowed by", image.borrowers.map(borrowText)],
    ["pinned", image.pinned ? ["yes"] : []],
    ["brought by hand", image.sideLoaded ? ["yes"] : []],
    ["local files", image.localFiles],
  ];
}

function startFields({ ociConfig: config }: InspectedImage): Field[] {
  const words = (list: readonly string[] | undefined): string[] =>
    list === undefined ? [] : [JSON.stringify(list)];
  return [
    ["entry point", words(config?.Entrypoint)],
    ["command", words(config?.Cmd)],
    ["environment", config?.Env ?? []],
    ["user", optional(config?.User)],
    ["directory", optional(config?.WorkingDir)],
    ["ports", Object.keys(config?.ExposedPorts ?? {})],
    ["volumes", Object.keys(config?.Volumes ?? {})],
    ["stop signal", optional(config?.StopSignal)],
  ];
}

function layerFields({ source: { layers } }: InspectedImage): Field[] {
  return layers.map(({ digest, size, mediaType }, index) => [
    String(index + 1),
    [`${digest}  ${formatSize(size)}  ${mediaType}`],
  ]);
}

function sourceFields({ source, contentKey }: InspectedImage): Field[] {
  return [
    ["reference", [source.reference]],
    ["registry", optional(source.host)],
    ["unverified", source.unverified === true ? ["yes, the library told no sha256"] : []],
    ["index", optional(source.indexDigest)],
    ["manifest", optional(source.manifestDigest)],
    ["configuration", optional(source.configDigest)],
    ["content key", optional(contentKey)],
  ];
}

function labelField([name, value]: readonly [string, string]): Field {
  return [name, [value]];
}

function borrowText({ who, expiresAt, note }: InspectedImage["borrowers"][number]): string {
  const until = expiresAt === undefined ? "" : ` until ${expiresAt}`;
  return `${who}${until}${note === undefined ? "" : ` (${note})`}`;
}

function optional(value: string | undefined): string[] {
  return value === undefined ? [] : [value];
}

function exactSize(bytes: number): string {
  return bytes < 1000 ? formatSize(bytes) : `${formatSize(bytes)} (${bytes} bytes)`;
}
