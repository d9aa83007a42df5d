import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { test } from "node:test";
import typescript from "typescript";

/**
 * Who may import whom: a folder of src/ and the folders above it that it may use. A missing pair is
 * a broken edge; docs/architecture.md draws the same table.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  base: [],
  wire: [],
  image: ["base"],
  config: ["base", "image"],
  http: ["base", "image"],
  transfer: ["base", "image", "http"],
  registry: ["base", "image", "http", "transfer"],
  library: ["base", "image", "config", "http", "transfer"],
  credentials: ["base", "image", "registry"],
  toml: ["base"],
  hosts: ["base", "image", "http", "registry", "toml"],
  layers: ["base", "image"],
  archive: ["base", "image", "layers"],
  codec: ["base", "image"],
  packs: ["base", "image", "layers", "codec"],
  tree: ["base", "image", "layers", "packs"],
  squashfs: ["base", "image", "layers", "codec", "tree"],
  layout: ["base", "image"],
  sif: ["base", "image"],
  signing: ["base", "image", "sif"],
  keys: ["base", "image", "http", "signing"],
  cosign: ["base", "image", "signing"],
  trust: ["base", "image", "config", "toml", "signing", "cosign"],
  convert: ["base", "image", "layers", "codec", "packs", "tree", "squashfs", "layout", "sif"],
  store: ["base", "image"],
  pull: [
    "base",
    "image",
    "config",
    "http",
    "registry",
    "library",
    "layers",
    "archive",
    "packs",
    "squashfs",
    "layout",
    "sif",
    "convert",
    "store",
  ],
  signed: ["base", "image", "signing", "store", "pull"],
  package: [
    "base",
    "image",
    "config",
    "transfer",
    "registry",
    "library",
    "credentials",
    "pull",
    "store",
    "cosign",
    "trust",
  ],
  push: ["base", "image", "registry", "library"],
  metrics: ["base", "image", "pull"],
  logs: ["base", "http"],
  upkeep: ["base", "image", "packs", "store", "pull"],
  doctor: ["base", "image", "config", "http", "hosts"],
  bundle: ["base", "image", "pull", "doctor"],
  // For types alone: the codes of each one's errors.
  codes: [
    "base",
    "image",
    "config",
    "http",
    "registry",
    "library",
    "credentials",
    "hosts",
    "layers",
    "archive",
    "bundle",
    "packs",
    "tree",
    "squashfs",
    "sif",
    "signing",
    "trust",
    "keys",
    "cosign",
    "convert",
    "store",
    "pull",
    "daemon",
    "admin",
  ],
  // `package` for what a library's token is.
  cri: ["base", "wire", "image", "http", "credentials", "store", "pull", "package", "codes"],
  admin: ["base", "image", "wire", "store", "pull", "cri"],
  daemon: ["base", "wire", "packs", "store", "pull", "upkeep", "metrics", "logs", "cri", "admin"],
  // `base`, `image`, `config`, `credentials`, `packs`, `store`, `pull`, `signing`, `keys`, `signed`, `upkeep`, `doctor` and `bundle` to run; the others for the codes of their
  // errors alone, and `http` and `registry` for the client of its tests.
  cli: [
    "push",
    "base",
    "image",
    "config",
    "http",
    "transfer",
    "registry",
    "library",
    "credentials",
    "hosts",
    "layers",
    "archive",
    "packs",
    "tree",
    "squashfs",
    "sif",
    "signing",
    "trust",
    "keys",
    "cosign",
    "signed",
    "convert",
    "store",
    "pull",
    "upkeep",
    "doctor",
    "bundle",
    "codes",
    "wire",
    "admin",
    "metrics",
    "logs",
    "daemon",
  ],
};

/** Files directly in src/: the edges of the program, which may join anything. */
const EDGES: readonly string[] = ["main.ts", "index.ts"];

/** Packages that each folder may load; every other one is loaded nowhere. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  config: ["yaml"],
  http: ["tldts"],
  toml: ["toml-eslint-parser"],
  codec: ["libdeflate"],
  signing: ["openpgp"],
  metrics: ["prom-client"],
  logs: ["pino"],
  cosign: ["@sigstore/bundle", "@sigstore/protobuf-specs", "@sigstore/verify"],
  wire: ["@bufbuild/protobuf"],
  cri: ["@bufbuild/protobuf", "@connectrpc/connect"],
  admin: ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node"],
  daemon: ["@connectrpc/connect", "@connectrpc/connect-node"],
  cli: ["commander", "log-update"],
};

const root = resolve(import.meta.dirname, "..");
const source = join(root, "src");

interface Import {
  readonly file: string;
  readonly folder: string;
  readonly target: string;
}

function imports(): Import[] {
  return readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => {
      const file = join(source, name);
      const folder = name.includes("/") ? name.slice(0, name.indexOf("/")) : name;
      const { importedFiles } = typescript.preProcessFile(readFileSync(file, "utf8"));
      return importedFiles.map(({ fileName }) => ({ file, folder, target: fileName }));
    });
}

function describeEdge({ file, target }: Import): string {
  return `${relative(root, file)} imports ${target}`;
}

function isTest({ file }: Import): boolean {
  return file.endsWith(".test.ts");
}

const all = imports();

test("the import table names every folder of src/", () => {
  const folders = readdirSync(source, { withFileTypes: true });
  const names = folders.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  assert.deepEqual(names.sort(), Object.keys(ALLOWED).sort());
  assert.ok(all.length > 100, "imports were found");
});

test("folders import only what the table allows, and only through index.ts", () => {
  const broken = all.filter((edge) => {
    if (!edge.target.startsWith(".") || EDGES.includes(edge.folder)) return false;
    const target = resolve(join(edge.file, ".."), edge.target);
    const path = relative(source, target);
    if (path.startsWith("..")) return !isTest(edge);
    const [folder = "", ...rest] = path.split("/");
    if (folder === edge.folder) return false;
    return !(ALLOWED[edge.folder]?.includes(folder) ?? false) || rest.join("/") !== "index.ts";
  });
  assert.deepEqual(broken.map(describeEdge), []);
});

test("packages are loaded only where the table says", () => {
  const broken = all.filter((edge) => {
    if (edge.target.startsWith(".") || edge.target.startsWith("node:")) return false;
    if (isTest(edge) && edge.target === "fast-check") return false;
    const name = edge.target
      .split("/")
      .slice(0, edge.target.startsWith("@") ? 2 : 1)
      .join("/");
    return !(PACKAGES[edge.folder]?.includes(name) ?? false);
  });
  assert.deepEqual(broken.map(describeEdge), []);
});

test("the environment is read at the edges alone", () => {
  const broken = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && !EDGES.includes(name))
    .filter((name) =>
      /\bprocess\.(env|argv|cwd|exit)\b/.test(readFileSync(join(source, name), "utf8")),
    );
  assert.deepEqual(broken, []);
});
