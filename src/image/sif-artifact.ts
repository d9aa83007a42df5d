import { parseDigest } from "./digest.ts";
import type { Descriptor } from "./descriptor.ts";
import { MEDIA_TYPES } from "./media-type.ts";

/** As it is written now, and as clients before Singularity 3.7 misspelled it. */
const SIF_LAYER_TYPES: readonly string[] = [
  MEDIA_TYPES.sifLayer,
  "appliciation/vnd.sylabs.sif.layer.tar",
];
const OCI_SIF_LAYERS = "application/vnd.sylabs.image.layer.v1.";

/** The configuration of a SIF artifact: an empty JSON object, whatever the SIF is. */
export const SIF_CONFIG: Descriptor = {
  mediaType: MEDIA_TYPES.sifConfig,
  digest: parseDigest("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
  size: 2,
};

/**
 * The SIF file that a manifest with these layers stands for; undefined where it is none.
 *
 * @see registry.md §11
 */
export function sifFileOf(layers: readonly Descriptor[]): Descriptor | undefined {
  const [file] = layers;
  if (file === undefined || layers.length > 1) return undefined;
  return SIF_LAYER_TYPES.includes(file.mediaType) ? file : undefined;
}

/** Whether some of these layers are squashfs or ext3 images, as SingularityCE 4 pushes OCI-SIFs. */
export function hasOciSifLayers(layers: readonly Descriptor[]): boolean {
  return layers.some(({ mediaType }) => mediaType.startsWith(OCI_SIF_LAYERS));
}
