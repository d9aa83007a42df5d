export { type BlockSource } from "./data-plan.ts";
export { planSquashfs, type SquashfsImage, type SquashfsOptions } from "./squashfs-image.ts";
