import { compactAddLength } from '@polkadot/util/cjs/index';
import { blake2AsHex } from '@polkadot/util-crypto/cjs/blake2/index';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import type { DecodedExtrinsic } from '#src/devchain/codec.ts';
import type { DevCall } from '#src/devchain/state.ts';
import { devCall } from '../support/dev-arbitraries.ts';
import { codec, polkadotOf } from '../support/dev-codec.ts';
import { devSigner } from '../support/dev-keys.ts';

const { registry } = polkadotOf(codec.metadataV15);
const GENESIS = 'ab'.repeat(32);
const BIRTH = 'cd'.repeat(32);
const REMARK = { call: 'System.remark', remark: 'abcd' } as const;
const FACTS = {
  specVersion: 343,
  transactionVersion: 1,
  genesisHash: GENESIS,
  birthHash: BIRTH,
};

type Signed = Readonly<{ call: DevCall; nonce: number; current: number; period: number | null }>;

/** An extrinsic as polkadot.js builds it, signed by a hotkey of ours. */
function sign({ call, nonce, current, period }: Signed, name = 'a'): Uint8Array {
  const { hotkey, sign } = devSigner(name);
  const method = registry.createType('Call', codec.encodeCall(call));
  const era = period === null ? '0x00' : registry.createType('ExtrinsicEra', { current, period });
  const options = {
    era,
    nonce,
    tip: 0,
    specVersion: FACTS.specVersion,
    transactionVersion: FACTS.transactionVersion,
    genesisHash: `0x${GENESIS}`,
    blockHash: `0x${BIRTH}`,
    signedExtensions: registry.signedExtensions,
  };
  const payload = registry.createType(
    'ExtrinsicPayload',
    { method: method.toHex(), ...options },
    { version: 4 },
  );
  const extrinsic = registry.createType('Extrinsic', { method }, { version: 4 });
  const raw = payload.toU8a({ method: true });
  const signed = raw.length > 256 ? registry.hash(raw) : raw;
  extrinsic.addSignature(hotkey, `0x01${sign(signed)}`, payload.toHex());
  return extrinsic.toU8a();
}

function decoded(bytes: Uint8Array): Extract<DecodedExtrinsic, { kind: 'extrinsic' }> {
  const extrinsic = codec.decodeExtrinsic(bytes);
  if (extrinsic.kind === 'invalid') throw new Error(extrinsic.detail);
  return extrinsic;
}

const signed: fc.Arbitrary<Signed> = fc.record({
  call: devCall,
  nonce: fc.nat(1_000_000),
  current: fc.nat(10_000_000),
  period: fc.option(fc.constantFrom(4, 16, 64, 128, 2_048, 4_096, 65_536)),
});

describe('what polkadot.js built and a hotkey signed', () => {
  test('is read as it was meant, and its signature holds over the payload', () => {
    fc.assert(
      fc.property(signed, (given) => {
        const bytes = sign(given);
        const { hash, signer, nonce, era, call, signature, payload } = decoded(bytes);
        expect(`0x${hash}`).toBe(blake2AsHex(bytes, 256));
        expect(signer).toBe(devSigner('a').hotkey);
        expect(nonce).toBe(given.nonce);
        expect(call).toEqual(given.call);
        if (given.period === null) expect(era).toEqual({ immortal: true });
        else {
          const step = Math.max(1, given.period / 4_096);
          const phase = Math.floor((given.current % given.period) / step) * step;
          expect(era).toEqual({ immortal: false, period: given.period, phase });
        }
        const hex = Buffer.from(signature).toString('hex');
        expect(verifySr25519(payload(FACTS), hex, signer)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['version of the runtime', { specVersion: 344 }],
    ['version of transactions', { transactionVersion: 2 }],
    ['chain', { genesisHash: 'ef'.repeat(32) }],
    ['birth block', { birthHash: 'ef'.repeat(32) }],
  ])('is signed for one %s', (_name, other) => {
    const bytes = sign({ call: REMARK, nonce: 0, current: 100, period: 64 });
    const { signature, signer, payload } = decoded(bytes);
    const hex = Buffer.from(signature).toString('hex');
    expect(verifySr25519(payload({ ...FACTS, ...other }), hex, signer)).toBe(false);
  });

  test('of more than 256 bytes the hash is signed', () => {
    const payloadOf = (bytes: number): Uint8Array =>
      decoded(
        sign({ call: { ...REMARK, remark: 'aa'.repeat(bytes) }, nonce: 0, current: 1, period: 64 }),
      ).payload(FACTS);
    // Beside the remark: two bytes of call, two of its length, two of era, three of other checks, 73 covered.
    expect(payloadOf(256 - 82)).toHaveLength(256);
    expect(payloadOf(257 - 82)).toHaveLength(32);
  });
});

describe('what is no extrinsic of a hotkey is invalid, with the reason', () => {
  const good = sign({ call: REMARK, nonce: 1, current: 100, period: 64 });
  const edited = (offset: number, ...bytes: readonly number[]): Uint8Array =>
    Uint8Array.from(good, (old, at) => bytes[at - offset] ?? old);
  const end = good.length;

  test.each([
    ['nothing', new Uint8Array(), 'SCALE'],
    ['fewer bytes than its length says', good.subarray(0, end - 1), 'SCALE'],
    ['more bytes than its length says', Uint8Array.of(...good, 0), 'length'],
    ['no signature', edited(2, 0x04), 'version'],
    ['another version of the format', edited(2, 0x85), 'version'],
    ['a signer that is no account', edited(3, 3), 'signer'],
    ['a key of another kind', edited(36, 0), 'signature'],
    ['an era that is none', edited(101, 0xf0), 'era'],
    ['an era that begins after its end', edited(101, 0x41, 0), 'era'],
    ['a metadata hash', edited(105, 1), 'metadata hash'],
    ['a pallet that the chain has not', edited(106, 99), 'call'],
  ])('%s', (_name, bytes, reason) => {
    const { kind, ...rest } = codec.decodeExtrinsic(bytes);
    expect(kind).toBe('invalid');
    expect(rest).toMatchObject({ detail: expect.stringContaining(reason) });
  });

  test('whatever the bytes are, they are an extrinsic or invalid, never an exception', () => {
    const mutation = fc.record({ offset: fc.nat(end - 1), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        const bytes = Uint8Array.from(good);
        for (const { offset, byte } of mutations) bytes[offset] = byte;
        expect(['extrinsic', 'invalid']).toContain(codec.decodeExtrinsic(bytes).kind);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(codec.decodeExtrinsic(bytes).kind).toBe('invalid');
      }),
    );
  });

  test('bytes behind the call are not passed over', () => {
    const longer = compactAddLength(Uint8Array.of(...good.subarray(2), 0));
    expect(codec.decodeExtrinsic(longer)).toMatchObject({
      kind: 'invalid',
      detail: expect.stringContaining('call'),
    });
  });
});
