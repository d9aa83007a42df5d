/** How a store was made, as far as it shows. */
export interface StoreTraits {
  readonly journal: "wal" | "rollback";
  readonly claims: "socket" | "lock-file";
}

/** A store that is open, to be closed again. */
export interface OpenedStore extends AsyncDisposable {
  readonly traits: StoreTraits;
}

/**
 * Opens the store in `directory` to be read, making nothing.
 *
 * @throws CodedError of whatever is wrong with it
 */
export type OpenStoreToRead = (directory: string) => Promise<OpenedStore>;
