import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEFAULT_LIMITS } from "../../src/base/index.ts";
import { LAYOUTS, type RuntimeEntry } from "../../src/layout/index.ts";
import type { LayerRecord } from "../../src/packs/index.ts";
import { applyAdditions, LayerMerge } from "../../src/tree/index.ts";
import { describeTree, parseLayer, type Contents } from "../fixtures/merge-notation.ts";

// What becomes of the paths of layout/1 that an image has already.

interface Row {
  readonly name: string;
  /** The image, in the notation of the fixture; `ours` is the content of every file that is added. */
  readonly image: string;
  /** What the result has and an empty image's has not, and `-path` for what it lacks. */
  readonly result: string;
}

const runtimeTree: readonly Row[] = [
  {
    name: "a link above the root gives way to the directory; nothing is written behind it",
    image: ".singularity.d>../../outside outside/ outside/env/",
    result: "outside/ outside/env/",
  },
  {
    name: "an absolute link gives way too",
    image: ".singularity.d>/outside outside/",
    result: "outside/",
  },
  { name: "a link to itself gives way", image: ".singularity.d>.singularity.d", result: "" },
  { name: "a file gives way", image: ".singularity.d=mine", result: "" },
  { name: "a device gives way", image: ".singularity.d:c1.3", result: "" },
  {
    name: "files of other names stay in a directory, ours take the place of theirs",
    image:
      ".singularity.d/(0700,u7,m9,x1) .singularity.d/labels.json=mine .singularity.d/env/ .singularity.d/env/20-mine.sh=mine .singularity.d/env/99-base.sh=mine",
    result: ".singularity.d/env/20-mine.sh=mine",
  },
  {
    name: "the list of apps and the test script are the image's, whatever they are",
    image:
      ".singularity.d/ .singularity.d/env/ .singularity.d/env/94-appsbase.sh=mine .singularity.d/test>../../../bin/test",
    result: ".singularity.d/env/94-appsbase.sh=mine .singularity.d/test>../../../bin/test",
  },
  {
    name: "a link in place of env gives way, and what it leads to stays as it is",
    image: ".singularity.d/ .singularity.d/env>/mine mine/ mine/99-base.sh=mine",
    result: "mine/ mine/99-base.sh=mine",
  },
  {
    name: "a script that is a link is not written through",
    image: ".singularity.d/ .singularity.d/runscript>../app app=mine",
    result: "app=mine",
  },
  {
    name: "a script that is a second name of a file leaves the first alone",
    image: "app=mine .singularity.d/ .singularity.d/runscript@app",
    result: "app=mine",
  },
  {
    name: "a directory in place of a script goes with all in it",
    image: ".singularity.d/ .singularity.d/runscript/ .singularity.d/runscript/deep=mine",
    result: "",
  },
];

const links: readonly Row[] = [
  {
    name: "links give way, wherever they lead",
    image:
      ".exec>../../bin/sh .run>/bin/sh .shell>nowhere .test>.test environment>/etc/shadow singularity>..",
    result: "",
  },
  {
    name: "a link with the same target stays",
    image: ".run>.singularity.d/actions/run(u7,m9)",
    result: ".run>.singularity.d/actions/run(u7,m9)",
  },
  {
    name: "the second name of a link stays",
    image: ".run>/bin/sh other@.run",
    result: "other>/bin/sh",
  },
  {
    name: "files, directories and devices stay",
    image: "singularity=mine environment/ environment/mine .run=mine .exec:f .shell:c1.3 .test/",
    result: ".exec:f .run=mine .shell:c1.3 .test/ environment/ environment/mine singularity=mine",
  },
];

const mountPoints: readonly Row[] = [
  {
    name: "directories keep their attributes and what is in them",
    image: "tmp/(01777) tmp/mine root/(0700) home/(u7) dev/ dev/null:c1.3 var/(m9) var/tmp/(01777)",
    result: "dev/null:c1.3 home/(u7) root/(0700) tmp/(01777) tmp/mine var/(m9) var/tmp/(01777)",
  },
  {
    name: "links, files and devices stay",
    image: "tmp>var/tmp dev=mine proc>/nowhere sys:f home>../../home root:b8.0",
    result: "dev=mine home>../../home proc>/nowhere root:b8.0 sys:f tmp>var/tmp",
  },
  {
    name: "var/tmp is a link to tmp",
    image: "var/ var/tmp>/tmp tmp/(01777)",
    result: "tmp/(01777) var/tmp>/tmp",
  },
  {
    name: "a link to a directory of the image is followed",
    image: "var>mnt/var mnt/ mnt/var/ etc>/usr/etc usr/ usr/etc/ usr/etc/hosts=mine",
    result:
      "-etc/hosts -etc/resolv.conf -var/tmp etc>/usr/etc mnt/ mnt/var/ mnt/var/tmp/ usr/ usr/etc/ usr/etc/hosts=mine usr/etc/resolv.conf var>mnt/var",
  },
  {
    name: "nothing is made behind a link that leads nowhere or in a circle",
    image: "var>/mnt/var etc>../../etc",
    result: "-etc/hosts -etc/resolv.conf -var/tmp etc>../../etc var>/mnt/var",
  },
  {
    name: "nothing is made below a file",
    image: "var=mine etc=mine",
    result: "-etc/hosts -etc/resolv.conf -var/tmp etc=mine var=mine",
  },
];

const bindTargets: readonly Row[] = [
  {
    name: "files are not emptied",
    image: "etc/ etc/hosts=mine etc/resolv.conf=mine",
    result: "etc/hosts=mine etc/resolv.conf=mine",
  },
  {
    name: "links stay, wherever they lead",
    image: "etc/ etc/hosts>/etc/passwd etc/passwd=mine etc/resolv.conf>../run/resolv.conf",
    result: "etc/hosts>/etc/passwd etc/passwd=mine etc/resolv.conf>../run/resolv.conf",
  },
  {
    name: "directories stay",
    image: "etc/ etc/hosts/ etc/resolv.conf/ etc/resolv.conf/mine",
    result: "etc/hosts/ etc/resolv.conf/ etc/resolv.conf/mine",
  },
];

const groups = {
  "the runtimes' own directory": runtimeTree,
  "links at the root": links,
  "mount points": mountPoints,
  "bind targets": bindTargets,
};

for (const [group, rows] of Object.entries(groups)) {
  describe(`layout/1 over an image, ${group}:`, () => {
    for (const { name, image, result } of rows) {
      test(name, () => {
        assert.equal(differences(withLayout(""), withLayout(image)), result);
      });
    }
  });
}

/** Descriptions of all paths after the layout was added to `image`. */
function withLayout(image: string): readonly string[] {
  const contents: Contents = [];
  const merge = new LayerMerge(DEFAULT_LIMITS, () => undefined);
  const records = parseLayer(image, contents);
  merge.apply({ hasWhiteouts: false, records: () => records });
  const input = { config: {}, architecture: "amd64", variant: "" };
  const additions = LAYOUTS.runtime
    .entries(input)
    .map((entry) => ({ record: recordOf(entry, contents), policy: entry.policy }));
  applyAdditions(merge.tree, additions, 2);
  return describeTree(merge.tree, contents).split(" ");
}

function recordOf(entry: RuntimeEntry, contents: Contents): LayerRecord {
  const hasData = entry.kind === "file" && entry.content.length > 0;
  return {
    kind: entry.kind,
    path: Buffer.from(entry.path),
    mode: entry.mode,
    uid: 0,
    gid: 0,
    mtime: 0,
    size: hasData ? "ours".length : 0,
    linkTarget: Buffer.from(entry.kind === "symlink" ? entry.target : ""),
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: [],
    data: hasData
      ? { kind: "fragment", fragment: contents.push("ours") - 1, offset: 0 }
      : { kind: "empty" },
  };
}

function differences(expected: readonly string[], actual: readonly string[]): string {
  const pathOf = (word: string): string => word.replace(/\/?([=>:(].*)?$/, "");
  const paths = new Set(actual.map(pathOf));
  const missing = expected.map(pathOf).filter((path) => !paths.has(path));
  const other = actual.filter((word) => !expected.includes(word));
  return [...missing.map((path) => `-${path}`), ...other].sort().join(" ");
}
