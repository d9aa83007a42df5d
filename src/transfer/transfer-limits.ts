/** How many blobs, or parts of blobs, may be on their way at a time. */
export interface TransferLimits {
  /** Connections for one blob; 1: never more than one. */
  readonly perBlob: number;
  /** From one registry, whichever of its hosts deliver. */
  readonly perRegistry: number;
  readonly total: number;
}

export const DEFAULT_TRANSFERS: TransferLimits = { perBlob: 4, perRegistry: 8, total: 16 };
