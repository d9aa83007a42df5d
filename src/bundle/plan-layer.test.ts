import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlannedMount } from "./container-mounts.ts";
import { fakeLook } from "./look-fixture.ts";
import { fakeMachine, ROOT_FILES } from "./machine-fixture.ts";
import { planLayer, type LayerNeed } from "./plan-layer.ts";
import { rightsOf } from "./rights.ts";

const CAPABLE = { files: ROOT_FILES, programs: ["mount", "umount"] };
const UNABLE = { files: ROOT_FILES, programs: [] };
const IMAGE = fakeLook({ "/": { mode: 0o711 }, "/proc": {}, "/dev": {}, "/srv": {} });

function mounts(...destinations: readonly string[]): PlannedMount[] {
  return destinations.map((destination) => ({ mount: { destination }, isOptional: false }));
}

const rows: readonly {
  readonly name: string;
  readonly need: Partial<LayerNeed>;
  readonly isNeeded: boolean;
}[] = [
  { name: "nothing is missing", need: { mounts: mounts("/proc", "/srv") }, isNeeded: false },
  { name: "it is to be written", need: { isWritable: true }, isNeeded: true },
  { name: "a mount point is missing", need: { mounts: mounts("/sys") }, isNeeded: true },
  {
    name: "a mount point is in an earlier mount",
    need: { mounts: mounts("/dev", "/dev/pts") },
    isNeeded: false,
  },
  {
    name: "a mount point is in a later mount",
    need: { mounts: mounts("/dev/pts", "/dev") },
    isNeeded: true,
  },
  { name: "the working directory is missing", need: { cwd: "/work" }, isNeeded: true },
  {
    name: "the working directory is in a mount",
    need: { cwd: "/srv/a", mounts: mounts("/srv") },
    isNeeded: false,
  },
];

for (const { name, need, isNeeded } of rows) {
  test(`a layer over the image where ${name}: ${isNeeded ? "yes" : "no"}`, async () => {
    const machine = fakeMachine(CAPABLE);
    const whole = { isWritable: false, mounts: [], cwd: "/", ...need };
    const { layer, leftOut } = await planLayer(whole, IMAGE, machine, await rightsOf(machine));
    assert.equal(layer !== undefined, isNeeded);
    assert.deepEqual(leftOut, []);
    // What lies over the root takes its place, and so its mode.
    if (layer !== undefined) assert.equal(layer.root.mode, 0o711);
  });

  test(`without a way to make one, a layer where ${name} is ${isNeeded ? "refused" : "not missed"}`, async () => {
    const machine = fakeMachine(UNABLE);
    const whole = { isWritable: false, mounts: [], cwd: "/", ...need };
    const planned = planLayer(whole, IMAGE, machine, await rightsOf(machine));
    if (isNeeded)
      await assert.rejects(planned, {
        code: "BUNDLE_OVERLAY",
        message: /fuse-overlayfs: not on PATH: install it/,
      });
    else assert.equal((await planned).layer, undefined);
  });
}

test("without a way to make a layer, a container does without what is optional", async () => {
  const machine = fakeMachine(UNABLE);
  const optional = { mount: { destination: "/data" }, isOptional: true };
  const need = { isWritable: false, cwd: "/", mounts: [...mounts("/proc"), optional] };
  const planned = await planLayer(need, IMAGE, machine, await rightsOf(machine));
  assert.deepEqual(planned, { mounts: [{ destination: "/proc" }], leftOut: ["/data"] });
});
