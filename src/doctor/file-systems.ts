/** Where the bytes of a file system are. */
export type FileSystemKind = "disk" | "memory" | "network" | "read-only";

export interface FileSystemName {
  readonly name: string;
  readonly kind: FileSystemKind;
}

/** By the magic numbers of statfs(2). */
const NAMES: ReadonlyMap<number, FileSystemName> = new Map<number, FileSystemName>([
  [0xef53, { name: "ext4", kind: "disk" }],
  [0x58465342, { name: "xfs", kind: "disk" }],
  [0x9123683e, { name: "btrfs", kind: "disk" }],
  [0x2fc12fc1, { name: "zfs", kind: "disk" }],
  [0xf2f52010, { name: "f2fs", kind: "disk" }],
  [0x794c7630, { name: "overlayfs", kind: "disk" }],
  [0x01021994, { name: "tmpfs", kind: "memory" }],
  [0x858458f6, { name: "ramfs", kind: "memory" }],
  [0x6969, { name: "NFS", kind: "network" }],
  [0xff534d42, { name: "CIFS", kind: "network" }],
  [0xfe534d42, { name: "SMB", kind: "network" }],
  [0x0bd00bd0, { name: "Lustre", kind: "network" }],
  [0x47504653, { name: "GPFS", kind: "network" }],
  [0x19830326, { name: "BeeGFS", kind: "network" }],
  [0x00c36400, { name: "CephFS", kind: "network" }],
  [0x5346414f, { name: "AFS", kind: "network" }],
  [0x01021997, { name: "9p", kind: "network" }],
  [0x73717368, { name: "squashfs", kind: "read-only" }],
]);

/** What the file system with this magic number is; undefined for one that we do not know. */
export function fileSystemName(type: number): FileSystemName | undefined {
  return NAMES.get(type);
}
