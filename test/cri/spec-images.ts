import process from "node:process";
import type { Platform } from "../../src/image/index.ts";
import {
  makeImage,
  startRegistry,
  type FakeRegistry,
  type FixtureImage,
} from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

/** The repositories of the conformance tests' images, and how they are named. */
export const REPOSITORY = "k8s-staging-cri-tools";
export const PREFIX: string = `gcr.io/${REPOSITORY}`;

/** Registries that their images are asked for at, all of them one here. */
export const REGISTRIES: readonly string[] = ["gcr.io", "registry.k8s.io", "k8s.gcr.io"];

/** This machine's, which others insist on. */
const PLATFORM: Platform = {
  os: "linux",
  architecture: process.arch === "x64" ? "amd64" : process.arch,
};

function imageOf(content: string, user?: string): FixtureImage {
  return makeImage({
    platform: PLATFORM,
    layers: [tar([{ path: "bin/" }, { path: "content", data: content }])],
    ...(user === undefined ? {} : { config: { User: user } }),
  });
}

/** Images that say whose they are, and what is to be told of them. */
export const USERS: readonly {
  readonly name: string;
  readonly user: string;
  readonly uid: string | undefined;
  readonly username: string;
}[] = [
  { name: "test-image-user-uid", user: "1002", uid: "1002", username: "" },
  { name: "test-image-user-username", user: "www-data", uid: undefined, username: "www-data" },
  { name: "test-image-user-uid-group", user: "1003:1004", uid: "1003", username: "" },
  {
    name: "test-image-user-username-group",
    user: "www-data:100",
    uid: undefined,
    username: "www-data",
  },
];

/** The digest of the image that is asked for by it. */
export const digested: FixtureImage = imageOf("digest");

/** A registry with the images of the conformance tests, rebuilt small. */
export async function startSpecRegistry(): Promise<FakeRegistry> {
  const registry = await startRegistry();
  const tags = imageOf("tags");
  registry.putImage(`${REPOSITORY}/test-image-tag`, imageOf("tag"), "test");
  registry.putImage(`${REPOSITORY}/test-image-tag`, imageOf("all"), "all");
  registry.putImage(`${REPOSITORY}/test-image-latest`, imageOf("latest"), "latest");
  registry.putImage(`${REPOSITORY}/test-image-digest`, digested);
  for (const number of [1, 2, 3]) {
    registry.putImage(`${REPOSITORY}/test-image-${number}`, imageOf(String(number)), "latest");
    registry.putImage(`${REPOSITORY}/test-image-tags`, tags, String(number));
  }
  for (const { name, user } of USERS) {
    registry.putImage(`${REPOSITORY}/${name}`, imageOf(name, user), "latest");
  }
  registry.putImage("pause", imageOf("pause"), "3.9");
  return registry;
}
