import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { cryptoReady, pairFromSeed, signerOf, verifySr25519 } from '#src/chain/hotkey.ts';
import { pairFromPrivateKey, privateKeyOf } from '#src/chain/private-key.ts';

beforeAll(cryptoReady);

/** The public development key //Alice. */
const ALICE = {
  hotkey: '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY',
  seed: 'e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a',
  canonical:
    '33a6f3093f158a7109f679410bef1a0c54168145e0cecb4df006c1c2fffb1f09925a225d97aa00682d6a59b95b18780c10d7032336e88f3442b42361f4a66011',
  expanded:
    '98319d4ff8a9508c4bb0cf0b5a78d760a0b2082c02775e6e82370816fedfff48925a225d97aa00682d6a59b95b18780c10d7032336e88f3442b42361f4a66011',
};
const message = Buffer.from('a message');
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('pairFromPrivateKey', () => {
  test.each([
    ['canonical', ALICE.canonical],
    ['expanded', ALICE.expanded],
  ])('the %s form of //Alice signs as //Alice', (_form, privateKey) => {
    const pair = pairFromPrivateKey(Buffer.from(privateKey, 'hex'));
    const signer = pair && signerOf(pair);
    expect(signer?.hotkey).toBe(ALICE.hotkey);
    expect(verifySr25519(message, signer?.sign(message) ?? '', ALICE.hotkey)).toBe(true);
  });

  test('both forms of any key give its pair', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const pair = pairFromSeed(seed);
        const wanted = [hexOf(pair.publicKey), hexOf(pair.secretKey)];
        for (const form of [privateKeyOf(pair), pair.secretKey]) {
          const read = pairFromPrivateKey(form);
          expect(read && [hexOf(read.publicKey), hexOf(read.secretKey)]).toEqual(wanted);
        }
      }),
    );
  });

  test.each([
    ['63 bytes', Buffer.alloc(63, 1)],
    ['65 bytes', Buffer.alloc(65, 1)],
    ['a scalar of zero', Buffer.alloc(64)],
    ['a scalar that is neither reduced nor a multiple of 8', Buffer.alloc(64, 0xff)],
    ['a scalar that is not reduced even without its factor 8', Buffer.alloc(64, 0xf8)],
  ])('%s give none', (_what, bytes) => {
    expect(pairFromPrivateKey(bytes)).toBeNull();
  });
});

test("privateKeyOf is schnorrkel's canonical form", () => {
  const pair = pairFromSeed(Buffer.from(ALICE.seed, 'hex'));
  expect(hexOf(privateKeyOf(pair))).toBe(ALICE.canonical);
});
