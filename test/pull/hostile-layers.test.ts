import assert from "node:assert/strict";
import { testHostileImages, type PulledImage } from "../fixtures/hostile-image.ts";
import type { TarItem } from "../fixtures/tar/index.ts";

// What images have done to those who unpacked them: whole pulls of layers that lead out of the image.
// Links and names lead somewhere in it, whatever they say, and what documents say is never obeyed.

const UP = "../".repeat(20);
const inImage = (path: string): string => path.replace(/^\/+/, "");

/** The tree has a regular file at `path`, of so many bytes. */
function assertFile({ tree }: PulledImage, path: string, size: number): void {
  assert.deepEqual([tree.get(path)?.type, tree.get(path)?.size], ["file", size], path);
}

const behindLinks: readonly { readonly name: string; readonly target: (to: string) => string }[] = [
  { name: "an absolute symlink", target: (to) => to },
  { name: "a symlink of many ..", target: (to) => `${UP}${inImage(to)}` },
  { name: "a symlink by way of /proc", target: (to) => `/proc/self/root${to}` },
];

testHostileImages(
  behindLinks.flatMap(({ name, target }) => {
    const items = (outside: string): readonly TarItem[] => [
      { path: "escape", linkname: target(outside) },
      { path: "escape/owned", data: "by image" },
      { path: "escape/secret", data: "of image", mode: 0o777 },
    ];
    const check = (pulled: PulledImage, outside: string): void => {
      const place = inImage(target(outside).replaceAll("../", ""));
      assertFile(pulled, `${place}/owned`, 8);
      assertFile(pulled, `${place}/secret`, 8);
      assert.equal(pulled.tree.get("escape")?.target, target(outside));
    };
    return [
      {
        name: `${name} and a file behind it stay in the image (CVE-2014-6407)`,
        layers: (outside) => [items(outside)],
        check,
      },
      {
        name: `${name} and a file behind it in the next layer stay in the image (CVE-2014-9356)`,
        layers: (outside) => [items(outside).slice(0, 1), items(outside).slice(1)],
        check,
      },
    ];
  }),
);

testHostileImages([
  {
    name: "a hard link to a file of the host is a link to nothing",
    layers: (outside) => [[{ path: "h", type: "1", linkname: `${outside}/secret` }]],
    code: "TREE_LINK_TARGET",
  },
  {
    name: "a hard link by way of a symlink to the host is a link to nothing (CVE-2026-24842)",
    layers: (outside) => [
      [
        { path: "s", linkname: outside },
        { path: "s2", linkname: "s" },
        { path: "h", type: "1", linkname: "s2/secret" },
      ],
    ],
    code: "TREE_LINK_TARGET",
  },
  {
    name: "a hard link to a symlink is that symlink, and gives nobody its mode (CVE-2021-32760)",
    layers: (outside) => [
      [
        { path: "s", linkname: `${outside}/secret` },
        { path: "h", type: "1", linkname: "s", mode: 0o6777, uid: 7 },
      ],
    ],
    check: ({ tree }, outside) => {
      assert.deepEqual([tree.get("h")?.target, tree.get("h")?.uid], [`${outside}/secret`, 0]);
      assert.equal(tree.has(`${inImage(outside)}/secret`), false);
    },
  },
  ...(["./", "/", ".", "a/..", "../", "//./"] as const).map((path) => ({
    name: `the root as a symlink named ${path} is refused (CVE-2021-29136)`,
    layers: (outside: string) => [[{ path, type: "2", linkname: outside }]],
    code: "TAR_PATH",
  })),
  {
    name: "an absolute name and one of many .. are names in the image",
    layers: (outside) => [
      [
        { path: `${outside}/absolute`, data: "1" },
        { path: `${UP}${inImage(outside)}/climbing`, data: "22" },
        { path: `a/../../..${outside}/both`, data: "333" },
      ],
    ],
    check: (pulled, outside) => {
      assertFile(pulled, `${inImage(outside)}/absolute`, 1);
      assertFile(pulled, `${inImage(outside)}/climbing`, 2);
      assertFile(pulled, `${inImage(outside)}/both`, 3);
    },
  },
  {
    name: "names that mean something elsewhere are names (CVE-2026-26960)",
    layers: () => [
      [
        { path: "C:..\\..\\owned", data: "1" },
        { path: "\\\\host\\share", data: "22" },
        { path: "%2e%2e%2fowned", data: "333" },
        { path: "~root", data: "4444" },
      ],
    ],
    check: (pulled) => {
      assertFile(pulled, "C:..\\..\\owned", 1);
      assertFile(pulled, "\\\\host\\share", 2);
      assertFile(pulled, "%2e%2e%2fowned", 3);
      assertFile(pulled, "~root", 4);
    },
  },
  {
    name: "a whiteout of a file of the host hides nothing",
    layers: (outside) => [
      [
        { path: "s", linkname: outside },
        { path: "f", data: "1" },
      ],
      [
        { path: "s/.wh.secret", data: "" },
        { path: `${UP}${inImage(outside)}/.wh.secret`, data: "" },
        { path: `${outside}/.wh..wh..opq`, data: "" },
      ],
    ],
    check: (pulled) => {
      assertFile(pulled, "f", 1);
    },
  },
  ...[".wh..", ".wh...", ".wh.", "a/.wh...", "s/.wh.."].map((path) => ({
    name: `a whiteout ${path} of what is no name is refused`,
    layers: (outside: string) => [[{ path: "s", linkname: outside }], [{ path, data: "" }]],
    code: "TREE_WHITEOUT",
  })),
  ...[
    { of: "a missing file", linkname: "nowhere" },
    { of: "itself", linkname: "h" },
    { of: "another of a circle", linkname: "h2" },
    { of: "a directory", linkname: "d" },
  ].map(({ of, linkname }) => ({
    name: `a hard link to ${of} is refused`,
    layers: () => [
      [
        { path: "d/" },
        { path: "h", type: "1", linkname },
        { path: "h2", type: "1", linkname: "h" },
      ],
    ],
    code: "TREE_LINK_TARGET",
  })),
  {
    name: "a file behind symlinks in a circle is refused",
    layers: () => [
      [
        { path: "a", linkname: "b" },
        { path: "b", linkname: "a" },
        { path: "a/f", data: "" },
      ],
    ],
    code: "TREE_LINK_LOOP",
  },
  {
    name: "passwd as a symlink to the host's is a symlink, whoever the user is (CVE-2024-9676)",
    layers: (outside) => [
      [
        { path: "etc/" },
        { path: "etc/passwd", linkname: `${outside}/secret` },
        { path: ".singularity.d", linkname: outside },
      ],
    ],
    image: () => ({ config: { User: "bob" } }),
    check: ({ tree }, outside) => {
      assert.equal(tree.get("etc/passwd")?.target, `${outside}/secret`);
      assert.equal(tree.get(".singularity.d")?.type, "directory");
      assert.equal(tree.has(inImage(outside)), false);
    },
  },
  {
    name: "volumes are texts, and nothing is copied out of them (CVE-2022-23648)",
    layers: (outside) => [[{ path: "v", linkname: outside }]],
    image: (outside) => ({
      config: { Volumes: { "/v": {}, [outside]: {}, [`/v/${UP}etc`]: {} } },
    }),
    check: ({ tree, config }, outside) => {
      const volumes = { "/v": {}, [outside]: {}, [`/v/${UP}etc`]: {} };
      assert.deepEqual(config["Volumes"], volumes);
      assert.equal(tree.has(inImage(outside)), false);
    },
  },
  {
    name: "a user beyond 2^31 is a text, and nobody's number (CVE-2024-40635)",
    layers: () => [[{ path: "f", uid: 5 }]],
    image: () => ({ config: { User: "4294967296:4294967296" } }),
    check: ({ tree, config }) => {
      assert.equal(config["User"], "4294967296:4294967296");
      assert.equal(tree.get("f")?.uid, 5);
    },
  },
  {
    name: "an owner beyond 2^32 is refused, and is not root",
    layers: () => [[{ path: "f", pax: { uid: "4294967296" } }]],
    code: "TAR_ID",
  },
  {
    name: "labels and annotations are data (CVE-2026-50195)",
    layers: (outside) => [
      [
        { path: "checkpoint/" },
        { path: "checkpoint/spec.dump", data: JSON.stringify({ rootfs: outside }) },
      ],
    ],
    image: (outside) => ({
      config: { Labels: { "containerd.io/checkpoint": outside, "../../x": outside } },
      manifestDocument: {
        annotations: {
          "org.criu.checkpoint.container.name": outside,
          "org.opencontainers.image.ref.name": `${UP}${outside}`,
        },
      },
    }),
    check: ({ tree, config }, outside) => {
      const labels = { "containerd.io/checkpoint": outside, "../../x": outside };
      assert.deepEqual(config["Labels"], labels);
      assert.equal(tree.get("checkpoint/spec.dump")?.type, "file");
      assert.equal(tree.has(inImage(outside)), false);
    },
  },
  {
    name: "devices and set-user-id bits are data, and what an overlay would obey is dropped",
    layers: () => [
      [
        { path: "sda", type: "4", devMajor: 8, devMinor: 0 },
        { path: "su", mode: 0o4755, data: "#!" },
        {
          path: "d/",
          pax: {
            "SCHILY.xattr.trusted.overlay.redirect": "/etc",
            "SCHILY.xattr.trusted.overlay.opaque": "y",
            "SCHILY.xattr.user.kept": "1",
          },
        },
      ],
    ],
    check: ({ tree }) => {
      assert.deepEqual([tree.get("sda")?.type, tree.get("sda")?.device], ["block", "8:0"]);
      assert.equal(tree.get("su")?.mode, 0o4755);
      assert.deepEqual(Object.keys(tree.get("d")?.xattrs ?? {}), ["user.kept"]);
    },
  },
]);
