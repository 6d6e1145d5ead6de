import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { publicKeyOf, QUICKNET, roundIdentity, signRound, verifyRound } from '#src/chain/drand.ts';

const hex = (text: string) => Buffer.from(text, 'hex');
const quicknet = hex(QUICKNET.publicKey);

/** What quicknet published for round 1000. */
const ROUND_1000 = hex(
  'b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39',
);

describe('verifyRound', () => {
  test("quicknet's signature of round 1000 is valid, and for no other round", () => {
    expect(verifyRound(ROUND_1000, 1_000, quicknet)).toBe(true);
    expect(verifyRound(ROUND_1000, 1_001, quicknet)).toBe(false);
    expect(verifyRound(ROUND_1000, 1_000, publicKeyOf(Buffer.alloc(32, 1)))).toBe(false);
  });

  test('nothing makes it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (signature, publicKey) => {
        expect(verifyRound(signature, 1, quicknet)).toBe(false);
        expect(verifyRound(ROUND_1000, 1_000, publicKey)).toBe(false);
      }),
      { numRuns: 20 },
    );
  });
});

test('a round is named by the SHA-256 of its number as eight big-endian bytes', () => {
  // printf '\0\0\0\0\0\0\3\350' | sha256sum
  expect(Buffer.from(roundIdentity(1_000)).toString('hex')).toBe(
    'f652498d092acd949bad74e40683bf3824fb817980504a0c7e6722cfc5a9c0a3',
  );
});

describe('a development beacon', () => {
  test.each([1, 0x7f, 0xff])('with a secret of bytes %i signs rounds that verify', (byte) => {
    const secret = Buffer.alloc(32, byte);
    const signature = signRound(secret, 77);
    expect(signature).toHaveLength(48);
    expect(verifyRound(signature, 77, publicKeyOf(secret))).toBe(true);
    expect(verifyRound(signature, 78, publicKeyOf(secret))).toBe(false);
  });

  test.each([Buffer.alloc(32), Buffer.alloc(31, 1), Buffer.alloc(48, 1)])(
    'no beacon has the secret %o',
    (secret) => {
      expect(() => publicKeyOf(secret)).toThrow(
        `key.invalid: field: beacon secret, value: ${secret.length} bytes`,
      );
      expect(() => signRound(secret, 1)).toThrow('key.invalid');
    },
  );
});
