export { applyAdditions, type Addition, type AdditionPolicy } from "./additions.ts";
export { FileTree } from "./file-tree.ts";
export { INODE_KIND, type InodeKind } from "./inode-table.ts";
export { LayerMerge, type LayerLog } from "./layer-merge.ts";
export { NONE } from "./name-table.ts";
export { sortTree, type SortedTree } from "./sorted-tree.ts";
export { TreeError } from "./tree-error.ts";
