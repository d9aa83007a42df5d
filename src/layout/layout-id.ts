/** The frozen name of everything in this folder, as profiles carry it. */
export const LAYOUT = "layout/1";
