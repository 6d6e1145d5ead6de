/**
 * Documents that are too large for an event, each under the SHA-256 of its bytes in lower-case hex: archives, rosters,
 * task sets, answers, transcripts. The event carries the digest. Every function throws `input.invalid` for what is no digest.
 */
export type BlobStore = Readonly<{
  /**
   * Keeps bytes, through a power cut from then on, and gives their digest. The same bytes twice are kept once; a damaged
   * copy is replaced. Throws `blob.too-large` for more than any document may have.
   */
  put: (bytes: Uint8Array) => Promise<string>;
  /**
   * The bytes of a digest, hashed anew; null where they are not kept. Throws `blob.too-large` when they are more than
   * `maxBytes`, before they are read, and `blob.damaged` when they are not what was put: from then on they are missing.
   */
  get: (digest: string, maxBytes: number) => Promise<Uint8Array | null>;
  /** Whether something is kept under the digest. It may be damaged: only `get` looks. */
  has: (digest: string) => Promise<boolean>;
  /** How many bytes are kept under the digest; null where there are none. */
  size: (digest: string) => Promise<number | null>;
}>;
