import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isEd25519Key, publicKeyEd25519, signEd25519, verifyEd25519 } from '#src/merkle/ed25519.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const seed = Uint8Array.from({ length: 32 }, (_, index) => index);
const publicKey = publicKeyEd25519(seed);
const message = Buffer.from('a message');
const signature = signEd25519(message, seed);
/** A point of order 8. */
const torsion = ed25519.Point.fromHex(
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
);

describe('signEd25519', () => {
  test('RFC 8032, test 2', () => {
    const secret = hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
    expect(publicKeyEd25519(secret)).toEqual(
      hex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'),
    );
    expect(signEd25519(hex('72'), secret)).toEqual(
      hex(
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
      ),
    );
  });

  test('it signs what Node signs, and both verify what both sign', () => {
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(bytes, fc.uint8Array(), (secret, text) => {
        const ours = signEd25519(text, secret);
        expect(ours).toEqual(Uint8Array.from(sign(null, text, nodeKey(secret))));
        expect(verifyEd25519(text, ours, publicKeyEd25519(secret))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  test.each([0, 31, 33, 64])('a seed of %i bytes is refused without telling it', (length) => {
    const bad = new Uint8Array(length).fill(0x77);
    for (const use of [() => publicKeyEd25519(bad), () => signEd25519(message, bad)]) {
      expect(use).toThrow(`key.invalid: field: Ed25519 seed, value: ${length} bytes`);
    }
  });
});

describe('verifyEd25519', () => {
  test('vector 305 of the C2SP edge cases', () => {
    expect(
      verifyEd25519(
        Buffer.from('ed25519vectors 5'),
        hex(
          'b62cf890de42c413b11b1411c9f01f1c4d77aa87ef182258d1251f69af2a350640657f1cb030f12543549bbabd848dc6403d354e7c99c4d0dcee9f63c9033b00',
        ),
        hex('ef75b20e7540e3dff77404193652ba2bd13df99c1508eee1515e27ae25f28076'),
      ),
    ).toBe(true);
  });

  test('no flipped bit of signature or key verifies, and none of the message', () => {
    for (let bit = 0; bit < 512; bit += 7) {
      expect(verifyEd25519(message, flip(signature, bit), publicKey), `bit ${bit}`).toBe(false);
    }
    for (let bit = 0; bit < 256; bit += 5) {
      expect(verifyEd25519(message, signature, flip(publicKey, bit)), `bit ${bit}`).toBe(false);
    }
    expect(verifyEd25519(flip(message, 3), signature, publicKey)).toBe(false);
  });

  test('S + L is refused', () => {
    const order = ed25519.Point.CURVE().n;
    const s = BigInt(`0x${Buffer.from(signature.slice(32)).reverse().toString('hex')}`);
    const raised = Buffer.from((s + order).toString(16).padStart(64, '0'), 'hex').reverse();
    const malleable = Uint8Array.from([...signature.slice(0, 32), ...raised]);
    expect(verifyEd25519(message, malleable, publicKey)).toBe(false);
  });

  test('every small-order key is refused, canonical or not, with the signature that verifies under it', () => {
    const zero = new Uint8Array(64);
    const orders = Array.from({ length: 8 }, (_, k) => torsion.multiplyUnsafe(BigInt(k + 1)));
    const notCanonical = [
      `ed${'ff'.repeat(30)}7f`, // y = p
      `ee${'ff'.repeat(30)}7f`, // y = p + 1
      `${'ff'.repeat(31)}7f`, // y = 2^255 - 1
      `01${'00'.repeat(30)}80`, // the identity with a sign
    ];
    for (const key of [...orders.map((point) => point.toBytes()), ...notCanonical.map(hex)]) {
      expect(isEd25519Key(key)).toBe(false);
      // R and S of which one eighth at least of all messages would verify under such a key.
      const identity = Uint8Array.from([1, ...zero.slice(1)]);
      for (let n = 0; n < 16; n++) {
        expect(verifyEd25519(Uint8Array.of(n), identity, key)).toBe(false);
      }
    }
  });

  test('a key with torsion is refused, though other verifiers take signatures under it', () => {
    const mixed = ed25519.Point.fromBytes(publicKey).add(torsion).toBytes();
    expect(isEd25519Key(mixed)).toBe(false);
    expect(isEd25519Key(publicKey)).toBe(true);
    // Whoever holds the secret can search a message for which k is a multiple of eight: then T falls out.
    const forged = forgeUnder(mixed);
    expect(verifyInNode(forged.text, forged.signature, mixed)).toBe(true);
    expect(verifyEd25519(forged.text, forged.signature, mixed)).toBe(false);
  });

  test('an R with torsion is refused, though a cofactored verifier takes it', () => {
    const text = Buffer.from('cofactored');
    const { s, r } = signWithR(text, (point) => point.add(torsion), publicKey);
    const loose = Uint8Array.from([...r, ...s]);
    expect(ed25519.verify(loose, text, publicKey, { zip215: true })).toBe(true);
    expect(verifyEd25519(text, loose, publicKey)).toBe(false);
  });

  test.each([0, 63, 65])('a signature of %i bytes is none', (length) => {
    expect(verifyEd25519(message, new Uint8Array(length), publicKey)).toBe(false);
  });

  test('nothing makes it throw, and where the key is honest Node agrees', () => {
    const changes = fc.array(fc.tuple(fc.nat(63), fc.nat(255)), { maxLength: 2 });
    fc.assert(
      fc.property(changes, fc.uint8Array(), (edits, junk) => {
        const changed = Uint8Array.from(signature);
        for (const [at, value] of edits) changed[at] = value;
        const expected = verifyInNode(message, changed, publicKey);
        expect(verifyEd25519(message, changed, publicKey)).toBe(expected);
        expect(verifyEd25519(message, signature, junk)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });
});

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return flipped;
}

function nodeKey(secret: Uint8Array) {
  const der = Buffer.concat([hex('302e020100300506032b657004220420'), secret]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function verifyInNode(text: Uint8Array, candidate: Uint8Array, key: Uint8Array): boolean {
  const der = Buffer.concat([hex('302a300506032b6570032100'), key]);
  return verify(null, text, createPublicKey({ key: der, format: 'der', type: 'spki' }), candidate);
}

type Point = InstanceType<typeof ed25519.Point>;

/** Signs under any encoding of a key, with any point in R's place, as somebody who holds the secret can. */
function signWithR(text: Uint8Array, tamper: (point: Point) => Point, key: Uint8Array) {
  const { scalar } = ed25519.utils.getExtendedPublicKey(seed);
  const order = ed25519.Point.CURVE().n;
  const nonce = 12_345n;
  const r = tamper(ed25519.Point.BASE.multiply(nonce)).toBytes();
  const k = challenge(r, key, text);
  const s = (nonce + k * scalar) % order;
  return { k, r, s: Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse() };
}

function forgeUnder(key: Uint8Array) {
  for (let n = 0; ; n++) {
    const text = Buffer.from(`text ${n}`);
    const { k, r, s } = signWithR(text, (point) => point, key);
    if (k % 8n === 0n) return { text, signature: Uint8Array.from([...r, ...s]) };
  }
}

function challenge(r: Uint8Array, key: Uint8Array, text: Uint8Array): bigint {
  const digest = createHash('sha512').update(r).update(key).update(text).digest().reverse();
  return BigInt(`0x${digest.toString('hex')}`) % ed25519.Point.CURVE().n;
}
