/**
 * An OpenPGP certificate, with or without its secret keys. What else the library knows of it stays in this
 * folder: its types would ask every user of the package for more packages.
 */
export interface Certificate {
  /** Of the primary key, lower-case hex: 40 digits for version 4. */
  getFingerprint(): string;
  /** Name and address as the owner wrote them, the primary one not always first. */
  getUserIDs(): string[];
  isPrivate(): boolean;
}

/** An OpenPGP certificate that somebody has, and where. */
export interface OpenPgpKey {
  readonly key: Certificate;
  /** A file, or the URL of a key server. */
  readonly source: string;
}

/** A place that OpenPGP certificates are found in. */
export interface OpenPgpKeys {
  /**
   * The certificates whose primary key or a subkey has this id.
   *
   * @param wanted.keyId - 16 lower-case hex digits
   * @param wanted.fingerprint - of the primary key, 40 lower-case hex digits, where it is known
   */
  find(
    wanted: { readonly keyId: string; readonly fingerprint: string | undefined },
    signal: AbortSignal,
  ): Promise<readonly OpenPgpKey[]>;
}
