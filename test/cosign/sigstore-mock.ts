import type { KeyObject } from "node:crypto";
import { createRequire } from "node:module";

// Loaded part by part, and by types of our own: the package's entry replaces the HTTP of the whole
// process, and its types need those of browsers.

interface Keys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

interface CertificateLog {
  readonly publicKey: Buffer;
}

interface CertificateAuthority {
  readonly rootCertificate: ArrayBufferView<ArrayBuffer>;
  issueCertificate(options: {
    readonly publicKey: Uint8Array;
    readonly subjectAltName: string;
    readonly extensions: readonly {
      readonly oid: string;
      readonly value: string;
      readonly legacy?: boolean;
    }[];
  }): Promise<ArrayBufferView<ArrayBuffer>>;
}

/** An entry of a log, as its API answers. */
export interface Entry {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification: {
    readonly inclusionProof: {
      readonly checkpoint: string;
      readonly hashes: readonly string[];
      readonly logIndex: number;
      readonly rootHash: string;
      readonly treeSize: number;
    };
    readonly signedEntryTimestamp: string;
  };
}

interface TransparencyLog {
  readonly publicKey: Buffer;
  log(entry: object): Promise<Readonly<Record<string, Entry>>>;
}

interface TimestampAuthority {
  readonly rootCertificate: ArrayBufferView<ArrayBuffer>;
  readonly intCertificate: ArrayBufferView<ArrayBuffer>;
  timestamp(request: {
    readonly artifactHash: Buffer;
    readonly hashAlgorithmOID: string;
    readonly nonce: number;
    readonly policyOID: string;
  }): Promise<ArrayBufferView<ArrayBuffer>>;
}

interface Mock {
  initializeCTLog(keys: Keys): Promise<CertificateLog>;
  initializeCA(keys: Keys, log: CertificateLog, clock?: Date): Promise<CertificateAuthority>;
  initializeTLog(url: string, keys: Keys, clock?: Date): Promise<TransparencyLog>;
  initializeTSA(keys: Keys, clock?: Date): Promise<TimestampAuthority>;
}

const load = createRequire(import.meta.url);

export const mock: Mock = {
  ...(load("@sigstore/mock/dist/fulcio/index.js") as Pick<
    Mock,
    "initializeCA" | "initializeCTLog"
  >),
  ...(load("@sigstore/mock/dist/rekor/tlog.js") as Pick<Mock, "initializeTLog">),
  ...(load("@sigstore/mock/dist/timestamp/tsa.js") as Pick<Mock, "initializeTSA">),
};
