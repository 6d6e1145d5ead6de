/** SCALE by hand, as the pallets' documentation has it: what production decodes is not encoded by its own library. */
export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** A length below 2^14. */
export function compact(length: number): Buffer {
  return length < 64 ? Buffer.of(length << 2) : u16((length << 2) | 1);
}

export function vector(items: readonly Uint8Array[]): Buffer {
  return Buffer.concat([compact(items.length), ...items]);
}

/** A field of text: tag = length + 1 up to 128 bytes, from there on the tag 136 and a length. */
export function textField(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return bytes.length <= 128
    ? Buffer.concat([Buffer.of(bytes.length + 1), bytes])
    : Buffer.concat([Buffer.of(136), compact(bytes.length), bytes]);
}

/** What `Commitments.CommitmentOf` holds: a deposit of 0, the block, the fields. */
export function registration(block: number, fields: readonly Uint8Array[]): string {
  return hex(u64(0), u32(block), vector(fields));
}

export function hex(...parts: readonly Uint8Array[]): string {
  return `0x${Buffer.concat(parts).toString('hex')}`;
}
