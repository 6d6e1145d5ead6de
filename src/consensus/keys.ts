/** A hotkey that can sign: sr25519, signing context `substrate`, over the raw message. */
export type Signer = Readonly<{
  /** ss58 address, prefix 42. */
  hotkey: string;
  /** 64 bytes as 128 lower-case hex digits. Randomised: two signatures of one message differ. */
  sign: (message: Uint8Array) => string;
}>;

/** Strict verification of one preimage (no `<Bytes>` wrapping). False for anything malformed; never throws. */
export type Verify = (message: Uint8Array, signature: string, hotkey: string) => boolean;
