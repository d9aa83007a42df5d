import assert from "node:assert/strict";
import { test } from "node:test";
import { annotationsOf } from "./annotations.ts";

const PLATFORM = { os: "linux", architecture: "arm", variant: "v7" };
const P = "org.opencontainers.image";

test("annotations say what the image is, and carry its labels as they are", () => {
  const found = annotationsOf(
    {
      Labels: { team: "a b", empty: "" },
      StopSignal: "SIGUSR1",
      ExposedPorts: { "80/tcp": {}, "53/udp": {} },
    },
    PLATFORM,
  );
  assert.deepEqual(found, {
    annotations: {
      [`${P}.os`]: "linux",
      [`${P}.architecture`]: "arm",
      [`${P}.variant`]: "v7",
      [`${P}.stopSignal`]: "SIGUSR1",
      [`${P}.exposedPorts`]: "80/tcp,53/udp",
      team: "a b",
      empty: "",
    },
    leftOut: [],
  });
});

test("what the image does not say is no annotation", () => {
  const { annotations } = annotationsOf({}, { os: "linux", architecture: "amd64" });
  assert.deepEqual(annotations, { [`${P}.os`]: "linux", [`${P}.architecture`]: "amd64" });
});

test("a label is stronger than what is made of the rest", () => {
  const labels = { [`${P}.os`]: "mine", [`${P}.stopSignal`]: "SIGHUP" };
  const { annotations } = annotationsOf({ Labels: labels, StopSignal: "SIGINT" }, PLATFORM);
  assert.equal(annotations[`${P}.os`], "mine");
  assert.equal(annotations[`${P}.stopSignal`], "SIGHUP");
});

for (const name of [
  "org.systemd.property.ExecStartPost",
  "org.criu.config",
  "run.oci.hooks.stdout",
  "run.oci.handler",
  "module.wasm.image/variant",
  "io.katacontainers.config.hypervisor.path",
  "io.kubernetes.cri-o.TrySkipVolumeSELinuxLabel",
  "dev.gvisor.spec.mount.x",
  "",
]) {
  test(`an image cannot have a runtime act on its label ${JSON.stringify(name)}`, () => {
    const { annotations, leftOut } = annotationsOf({ Labels: { [name]: "x" } }, PLATFORM);
    assert.ok(!(name in annotations));
    assert.deepEqual(leftOut, [name]);
  });
}

test("a label of any name is an annotation of its own", () => {
  const labels = Object.fromEntries([["__proto__", "x"]]);
  const { annotations } = annotationsOf({ Labels: labels }, PLATFORM);
  assert.equal(Object.getOwnPropertyDescriptor(annotations, "__proto__")?.value, "x");
});
