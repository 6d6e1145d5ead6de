import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { addressOf, cryptoReady } from '#src/chain/hotkey.ts';
import { ss58PublicKey } from '#src/events/ss58.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';

beforeAll(cryptoReady);

test('the public key of a known address', () => {
  const alice = ss58PublicKey('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY');
  expect(Buffer.from(alice ?? []).toString('hex')).toBe(
    'd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d',
  );
});

test('every key comes back from the address that the chain gives it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
      expect(ss58PublicKey(addressOf(key))).toEqual(key);
    }),
  );
});

test('the least and the greatest address that are well-formed have a key of 32 bytes', () => {
  for (const hotkey of [hotkeyOf(''), `5${'z'.repeat(47)}`]) {
    expect(ss58PublicKey(hotkey)).toHaveLength(32);
  }
});

test.each(['', '5', `5${'1'.repeat(46)}0`, `4${'1'.repeat(47)}`, `5${'1'.repeat(48)}`])(
  '%j is no address',
  (text) => {
    expect(ss58PublicKey(text)).toBeNull();
  },
);
