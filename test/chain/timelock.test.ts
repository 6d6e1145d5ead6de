import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { publicKeyOf, QUICKNET, signRound, verifyRound } from '#src/chain/drand.ts';
import { decryptTimelocked, encryptTimelocked } from '#src/chain/timelock.ts';

const hex = (text: string) => Buffer.from(text, 'hex');
const hexOf = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString('hex');
const quicknet = hex(QUICKNET.publicKey);

/** Round 1000 of quicknet, and a ciphertext to it that the Rust crate made. */
const KNOWN = {
  signature: hex(
    'b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39',
  ),
  plaintext:
    '80d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d04070004ffff0000000000000000',
  fromRust: hex(
    'ae777cdd4c0e96d0aaa76e0a2aa0547b0710a722c9ced2f6b31c7db6be6a5e17ee26adcebfcc8a8f3cbd842e32b747fe112447d1c2ad3b5a315babfc2e1f8a3bfab7b504d7df9a00317a0acc282507e02b096478ab5b2735c193d82301b573412000000000000000462ef8627b7d5fd8ecb13e3ee2f75e484c309513f3a513c667bb2948531c448f20000000000000008c3c68f0473baf638437e4ccc2b61b00fc994f99e4185d3168db2e90e11d38395b000000000000003f00000000000000af3977c667f9c1c5de10a090f6eec38935371014ace50002cc80fd9a540b77dbf617afa3a5625f277235a9a04de67fda8385405266cab6def7458e6c927ba80c00000000000000d4fb5afdd07bae657d8406ee08000000000000004145535f47434d5f',
  ),
  ours: 'ab9e1293fa46ff926f45be6a0685558e6234138124e5868b9c507d4ee88b672fa30b2594df61f84562876be964a8f6b00bf206edf264eee42b381f8b4302b4182c7e0c7587ddd2c96f30ce5a44e3ed65a16e516d48015891e9936d51bd5a137b2000000000000000d5bb87ad3dd71da03886c1c9604c172465bcb7676d10b88993073b037aa32cc520000000000000006688a7c77bf932f188f546db7f6cca42c5ab1075a69ba2d582f1e5334cc80b095b000000000000003f000000000000008498e49d395e6d89813fc3fa0b47b039cd30f54cdaaed7b65d586e5d2c1e647b4fba3121c98ced590ec9a635e05eec0b81333f263a8da07da34378a122bff00c0000000000000004040404040404040404040408000000000000004145535f47434d5f',
};
const FIXED = { esk: Buffer.alloc(32, 2), sigma: Buffer.alloc(32, 3), nonce: Buffer.alloc(12, 4) };

describe('timelock encryption', () => {
  test('what the Rust crate encrypted to quicknet opens with the signature of its round', () => {
    expect(hexOf(decryptTimelocked(KNOWN.fromRust, KNOWN.signature))).toBe(KNOWN.plaintext);
  });

  test('the same randomness gives the known ciphertext', () => {
    const ciphertext = encryptTimelocked(hex(KNOWN.plaintext), 1_000, quicknet, FIXED);
    expect(hexOf(ciphertext)).toBe(KNOWN.ours);
    expect(hexOf(decryptTimelocked(ciphertext, KNOWN.signature))).toBe(KNOWN.plaintext);
  });

  test('a ciphertext is 244 bytes longer than what it conceals, and opens to the same bytes', () => {
    const secret = Buffer.alloc(32, 9);
    const signature = signRound(secret, 3);
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const random = fc.record({ esk: bytes(32), sigma: bytes(32), nonce: bytes(12) });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), random, (plaintext, drawn) => {
        const ciphertext = encryptTimelocked(plaintext, 3, publicKeyOf(secret), drawn);
        expect(ciphertext).toHaveLength(plaintext.length + 244);
        expect(hexOf(decryptTimelocked(ciphertext, signature))).toBe(hexOf(plaintext));
      }),
      { numRuns: 10 },
    );
  });
});

describe('decryptTimelocked', () => {
  test('the signature of another round, or of another beacon, opens nothing', () => {
    const secret = Buffer.alloc(32, 9);
    const ciphertext = encryptTimelocked(hex('c0ffee'), 3, publicKeyOf(secret), FIXED);
    expect(decryptTimelocked(ciphertext, signRound(secret, 4))).toBeNull();
    expect(decryptTimelocked(ciphertext, signRound(Buffer.alloc(32, 8), 3))).toBeNull();
    expect(decryptTimelocked(ciphertext, KNOWN.signature.subarray(1))).toBeNull();
    expect(decryptTimelocked(ciphertext, Buffer.alloc(48))).toBeNull();
  });

  test('one altered bit, wherever it is, opens nothing', () => {
    // Every part is met: U, V, W, the body with its tag and nonce, the suite, and each length.
    for (let at = 0; at < KNOWN.fromRust.length; at += 7) {
      const altered = Buffer.from(KNOWN.fromRust);
      altered[at] = (altered[at] ?? 0) ^ (1 << (at % 8));
      expect(decryptTimelocked(altered, KNOWN.signature), `byte ${at}`).toBeNull();
    }
  });

  test('any other length, and any other bytes, open nothing and never throw', () => {
    for (let length = 0; length < KNOWN.fromRust.length; length++)
      expect(decryptTimelocked(KNOWN.fromRust.subarray(0, length), KNOWN.signature)).toBeNull();
    expect(
      decryptTimelocked(Buffer.concat([KNOWN.fromRust, Buffer.alloc(1)]), KNOWN.signature),
    ).toBeNull();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(decryptTimelocked(bytes, KNOWN.signature)).toBeNull();
      }),
    );
  });
});

const FIXTURE = '../shared/fixtures/vectors/tle.json';
const Fixture = z.object({
  quicknet: z.object({ public_key_g2: z.string(), genesis: z.int(), period: z.int() }),
  round: z.int(),
  round_signature_g1: z.string(),
  payload: z.string(),
  deterministic_ts: z.object({
    esk: z.string(),
    sigma: z.string(),
    nonce: z.string(),
    ciphertext: z.string(),
  }),
  rust_wasm: z.object({ ciphertext: z.string() }),
});

describe.skipIf(!existsSync(FIXTURE))(`the vectors of ${FIXTURE}`, () => {
  const read = () => Fixture.parse(JSON.parse(readFileSync(FIXTURE, 'utf8')));

  test('quicknet has the constants that are built in, and its key signed the round', () => {
    const { quicknet: constants, round, round_signature_g1: signature } = read();
    expect(QUICKNET).toEqual({
      publicKey: constants.public_key_g2,
      genesisTime: constants.genesis,
      period: constants.period,
    });
    expect(verifyRound(hex(signature), round, quicknet)).toBe(true);
  });

  test('both ciphertexts conceal the payload, and ours is the one that the randomness gives', () => {
    const { round, round_signature_g1, payload, deterministic_ts: own, rust_wasm } = read();
    const random = { esk: hex(own.esk), sigma: hex(own.sigma), nonce: hex(own.nonce) };
    expect(hexOf(encryptTimelocked(hex(payload), round, quicknet, random))).toBe(own.ciphertext);
    for (const ciphertext of [own.ciphertext, rust_wasm.ciphertext])
      expect(hexOf(decryptTimelocked(hex(ciphertext), hex(round_signature_g1)))).toBe(payload);
  });
});
