import { readFile } from "node:fs/promises";

/** The number of the group `text`: a number itself, or a group of /etc/group; undefined where there is none. */
export async function groupId(text: string): Promise<number | undefined> {
  if (/^[0-9]{1,10}$/.test(text)) return Number(text);
  const line = (await readFile("/etc/group", "utf8"))
    .split("\n")
    .find((each) => each.startsWith(`${text}:`));
  const id = line?.split(":")[2];
  return text !== "" && id !== undefined && /^[0-9]+$/.test(id) ? Number(id) : undefined;
}
