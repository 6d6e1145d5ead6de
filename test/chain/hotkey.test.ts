import { hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { cryptoReady, hotkeyFromSeed, isSs58, verifySr25519 } from '#src/chain/hotkey.ts';
import { buildReport, checkReport } from '#src/consensus/report.ts';
import { encodeDocument, signDocument } from '#src/consensus/signed.ts';
import { REPORT_TYPE } from '#src/events/report.ts';
import vectors from '../vectors/sr25519.json' with { type: 'json' };

beforeAll(cryptoReady);

const alice = () => hotkeyFromSeed(Buffer.from(vectors.keys[0]?.seed ?? '', 'hex'));
const message = Buffer.from('a message');

describe('hotkeyFromSeed', () => {
  test.each(vectors.keys)('$name', ({ seed, hotkey }) => {
    expect(hotkeyFromSeed(Buffer.from(seed, 'hex')).hotkey).toBe(hotkey);
  });

  test.each([0, 31, 33, 64])('a seed of %i bytes is refused without telling it', (length) => {
    expect(() => hotkeyFromSeed(Buffer.alloc(length, 0x77))).toThrow(
      `key.invalid: field: seed, value: ${length} bytes`,
    );
  });

  test('what a hotkey signs verifies, and two signatures of one message differ', () => {
    const signer = alice();
    const [first, second] = [signer.sign(message), signer.sign(message)];
    expect(first).not.toBe(second);
    for (const signature of [first, second])
      expect(verifySr25519(message, signature, signer.hotkey)).toBe(true);
  });

  test('the empty message and a megabyte can be signed', () => {
    const signer = alice();
    for (const bytes of [new Uint8Array(0), new Uint8Array(1_000_000)]) {
      expect(verifySr25519(bytes, signer.sign(bytes), signer.hotkey)).toBe(true);
    }
  });
});

describe('verifySr25519', () => {
  test.each(vectors.signatures)('$name', ({ message: text, signature, hotkey, valid }) => {
    expect(verifySr25519(Buffer.from(text), signature, hotkey)).toBe(valid);
  });

  test.each<[string, (signature: string) => string]>([
    ['an empty signature', () => ''],
    ['63 bytes', (signature) => signature.slice(2)],
    ['65 bytes', (signature) => `${signature}00`],
    ['upper-case hex', (signature) => signature.toUpperCase()],
    ['a 0x prefix', (signature) => `0x${signature.slice(2)}`],
    ['a trailing newline', (signature) => `${signature}\n`],
    [
      'no marker bit',
      (signature) =>
        signature.slice(0, 126) +
        (Number.parseInt(signature.slice(126), 16) & 0x7f).toString(16).padStart(2, '0'),
    ],
    ['a scalar that is not reduced', raised],
    ['only zeros with a marker', () => `${'0'.repeat(126)}80`],
    ['only ones', () => 'f'.repeat(128)],
  ])('%s is refused', (_name, damage) => {
    const signer = alice();
    const signature = damage(signer.sign(message));
    expect(verifySr25519(message, signature, signer.hotkey)).toBe(false);
  });

  test('any flipped bit of message or signature is found', () => {
    const signer = alice();
    const signature = signer.sign(message);
    for (let bit = 0; bit < 512; bit++) {
      const flipped = flip(Buffer.from(signature, 'hex'), bit).toString('hex');
      expect(verifySr25519(message, flipped, signer.hotkey), `bit ${bit} of the signature`).toBe(
        false,
      );
    }
    for (let bit = 0; bit < message.length * 8; bit++) {
      expect(
        verifySr25519(flip(message, bit), signature, signer.hotkey),
        `bit ${bit} of the message`,
      ).toBe(false);
    }
  });

  test('nothing makes it throw', () => {
    const text = fc.string({ unit: 'binary' });
    const hex = fc
      .uint8Array({ minLength: 64, maxLength: 64 })
      .map((bytes) => Buffer.from(bytes).toString('hex'));
    const address = fc.oneof(
      text,
      fc.constantFrom(...vectors.addresses.map(({ address }) => address)),
    );
    fc.assert(
      fc.property(fc.uint8Array(), fc.oneof(text, hex), address, (bytes, signature, hotkey) => {
        expect(verifySr25519(bytes, signature, hotkey)).toBe(false);
      }),
    );
  });

  test('a signed report is accepted under a real key, and under no other', () => {
    const signer = alice();
    const place = {
      genesis: 'a1'.repeat(32),
      netuid: 36,
      family: 'general_chat',
      run: 'run-7',
      roster: 'b2'.repeat(32),
      snapshotBlock: 100,
    };
    const body = buildReport({ ...place, hotkey: signer.hotkey, scores: { [signer.hotkey]: 1 } });
    const expected = { ...place, hotkey: null, voters: new Set([signer.hotkey]) };
    const document = signDocument(REPORT_TYPE, body, signer);
    expect(checkReport(encodeDocument(document), expected, verifySr25519).kind).toBe('accepted');
    const stranger = hotkeyFromSeed(Buffer.alloc(32, 7));
    const forged = { ...document, signature: signDocument(REPORT_TYPE, body, stranger).signature };
    expect(checkReport(encodeDocument(forged), expected, verifySr25519)).toMatchObject({
      reason: 'bad-signature',
    });
  });
});

describe('isSs58', () => {
  test.each(vectors.addresses)('$name: $valid', ({ address, valid }) => {
    expect(isSs58(address)).toBe(valid);
  });

  test('one changed character is always found', () => {
    const { hotkey } = alice();
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 47 }),
        fc.constantFrom(...'123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'.split('')),
        (at, letter) => {
          fc.pre(hotkey[at] !== letter);
          expect(isSs58(hotkey.slice(0, at) + letter + hotkey.slice(at + 1))).toBe(false);
        },
      ),
    );
  });

  test('more keys than are kept are all answered', () => {
    const hotkeys = Array.from({ length: 40 }, (_, index) => hotkeyFromSeed(seedOf(index)).hotkey);
    for (const hotkey of [...hotkeys, ...hotkeys]) expect(isSs58(hotkey)).toBe(true);
  });
});

/** The signature with the group order added to its scalar: the same point equation, another byte string. */
function raised(signature: string): string {
  const order = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;
  const bytes = Buffer.from(signature, 'hex');
  const scalar = Buffer.from(bytes.subarray(32));
  scalar[31] = (scalar[31] ?? 0) & 0x7f;
  const sum = BigInt(`0x${Buffer.from(scalar).reverse().toString('hex')}`) + order;
  const little = Buffer.from(sum.toString(16).padStart(64, '0'), 'hex').reverse();
  little[31] = (little[31] ?? 0) | 0x80;
  return Buffer.concat([bytes.subarray(0, 32), little]).toString('hex');
}

function flip(bytes: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

function seedOf(index: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', 'test', '', String(index), 32));
}
