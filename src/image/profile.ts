/** The two block codecs that images are written with. */
export type Compression = "gzip" | "zstd";

/** Whose the files are: as the image says, or all 0:0. */
export type Owners = "image" | "root";

/** What is added to the image: what SingularityCE and Apptainer look for, or nothing. */
export type Layout = "runtime" | "plain";

/**
 * Everything besides the content that the bytes of a SIF depend on. Equal content key and equal
 * profile mean equal bytes.
 *
 * @see design decision 2
 */
export interface Profile {
  /** `gzip/1`, `zstd/1`; `gzip/1+<hash>` where this machine's codec failed its golden vectors. */
  readonly codec: string;
  readonly compression: Compression;
  readonly owners: Owners;
  /** `layout/1`, `plain/1`. */
  readonly layout: string;
}

/** What there is to choose of a profile; the version numbers are siflet's own. */
export interface ProfileChoice {
  readonly compression: Compression;
  readonly owners: Owners;
  readonly layout: Layout;
}

/** What somebody asks for of a profile; what is absent is all the same to them. */
export type ProfileWish = {
  readonly [Part in keyof ProfileChoice]?: ProfileChoice[Part] | undefined;
};

/** What stands before the slash in the ids of a layout. */
const LAYOUT_NAMES: Readonly<Record<Layout, string>> = { runtime: "layout", plain: "plain" };

/** Whether an image of this profile has `layout`, of whatever version. */
export function hasLayout(profile: Pick<Profile, "layout">, layout: Layout): boolean {
  return profile.layout.startsWith(`${LAYOUT_NAMES[layout]}/`);
}

/** Whether the codec made the bytes that are frozen under its name, as every other machine would. */
export function hasFrozenCodec({ codec }: Pick<Profile, "codec">): boolean {
  return !codec.includes("+");
}

/**
 * Whether an image of this profile is what was asked for. A wish that names nothing takes any; one
 * that names something takes it in every version, so that an upgrade never changes the id of what
 * is present, but none that other machines could not make too.
 *
 * @see design decision 2
 */
export function fitsWish(profile: Profile, { compression, owners, layout }: ProfileWish): boolean {
  if (compression === undefined && owners === undefined && layout === undefined) return true;
  return (
    hasFrozenCodec(profile) &&
    (compression === undefined || profile.compression === compression) &&
    (owners === undefined || profile.owners === owners) &&
    (layout === undefined || hasLayout(profile, layout))
  );
}
