import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeWeightsPayload } from '#src/chain/weights-payload.ts';
import { decodeWeightsPayload } from '#src/devchain/weights-payload.ts';

const HOTKEY = Buffer.alloc(32, 7);
const ONE_WINNER = { hotkey: HOTKEY, uids: [7], values: [65_535], versionKey: 0n };

const u16s = fc.array(fc.integer({ min: 0, max: 65_535 }), { maxLength: 300 });
const weights = fc.record({
  uids: u16s,
  values: u16s,
  versionKey: fc.bigInt(0n, (1n << 64n) - 1n),
});

describe('the payload of a timelocked commit', () => {
  test('is read as the validator wrote it, with every length of vectors', () => {
    fc.assert(
      fc.property(weights, fc.uint8Array({ minLength: 32, maxLength: 32 }), (fields, hotkey) => {
        expect(decodeWeightsPayload(encodeWeightsPayload({ hotkey, ...fields }))).toEqual({
          hotkey: Buffer.from(hotkey).toString('hex'),
          ...fields,
        });
      }),
    );
  });

  test('is read in its older structure too, which has no hotkey', () => {
    const older = Buffer.from('0c010002000300080a00140001020304050607ff', 'hex');
    expect(decodeWeightsPayload(older)).toEqual({
      hotkey: null,
      uids: [1, 2, 3],
      values: [10, 20],
      versionKey: 0xff07_0605_0403_0201n,
    });
  });

  test('is nothing when bytes are missing or left over', () => {
    const bytes = encodeWeightsPayload(ONE_WINNER);
    for (let length = 0; length < bytes.length; length++)
      expect(decodeWeightsPayload(bytes.subarray(0, length)), `${length} bytes`).toBeNull();
    expect(decodeWeightsPayload(Buffer.concat([bytes, Buffer.alloc(1)]))).toBeNull();
  });

  test('is nothing when a vector claims more than there is', () => {
    for (const length of ['fc', 'feffffff', 'ffffffffff', 'ffffffffffffffff'])
      expect(decodeWeightsPayload(Buffer.from(`${length}0700`, 'hex'))).toBeNull();
  });
});
