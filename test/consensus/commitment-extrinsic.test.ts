import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { publicKeyOf, verifySr25519 } from '#src/chain/hotkey.ts';
import {
  birthOf,
  CommitmentStatement,
  decodeCommitmentExtrinsic,
  verifyCommitmentStatement,
} from '#src/consensus/commitment-extrinsic.ts';
import { sha256 } from '#src/events/hash.ts';
import { FINNEY_GENESIS } from '#src/events/source.ts';
import { devSigner } from '../support/dev-keys.ts';
import { hasFixtures, readFixtureJson } from '../support/finney-fixture.ts';
import { compact, textField, u64 } from '../support/scale-bytes.ts';
import { signedCommitment } from '../support/signed-commitment.ts';
import vectors from '../vectors/commitment-extrinsic.json' with { type: 'json' };

const ada = devSigner('ada');
const deps = { verify: verifySr25519, blake2b256 };
const FIELDS = [`eirel/scores/v1:run-7:${'ab'.repeat(32)}`, 'eirel/log/v1:12:root:-'];
const content = { genesis: FINNEY_GENESIS, netuid: 36, fields: FIELDS };

/** An extrinsic of a call with a signature of zeros, as `signing_payload.json` was signed. */
function extrinsicOf(call: string, { era = '2605', nonce = '14', tip = '00', mode = '00' } = {}) {
  const body = Buffer.from(
    `8400${'11'.repeat(32)}01${'00'.repeat(64)}${era}${nonce}${tip}${mode}${call}`,
    'hex',
  );
  return Buffer.concat([compact(body.length), body]);
}

function commitmentOf(bytes: Uint8Array) {
  const decoded = decodeCommitmentExtrinsic(bytes);
  if (decoded.kind === 'other') throw new Error(decoded.detail);
  return decoded;
}

const callOf = (info: string, netuid = '2400'): string => `1200${netuid}${info}`;

describe('what an extrinsic says', () => {
  test('two fields of two letters are read', () => {
    const { netuid, fields, signer, era, nonce, tip } = commitmentOf(
      extrinsicOf(callOf(vectors.twoRawFields.scale, '0100')),
    );
    expect(fields).toEqual(vectors.twoRawFields.fields);
    expect({ netuid, signer, nonce, tip }).toEqual({
      netuid: 1,
      signer: '11'.repeat(32),
      nonce: 5n,
      tip: 0n,
    });
    expect(era).toEqual({ period: 128, phase: 82 });
  });

  test.skipIf(!hasFixtures)('every recorded set_commitment is read, and no other call', () => {
    const Calls = z.object({
      calls: z.array(z.object({ name: z.string(), call: z.string().optional(), hex: z.string() })),
    });
    const { calls } = Calls.parse(readFixtureJson('vectors/calls.json'));
    const raw = (text: string): string => `eirel/scores/v1:${text}`;
    const expected: Record<string, readonly (string | null)[]> = {
      'set_commitment Raw102': [raw(`run-2026-11-23-000123:${'ab'.repeat(32)}`)],
      'set_commitment shortest run': [raw(`r:${'0'.repeat(64)}`)],
      'set_commitment Raw128 (47-byte run)': [raw(`${'r'.repeat(47)}:${'0f'.repeat(32)}`)],
      'set_commitment Raw0': [''],
      'set_commitment Sha256 field': [null],
      'set_commitment 3 fields raw+sha+bigraw200': ['eirel/v2', null, 'x'.repeat(200)],
    };
    for (const { name, hex } of calls) {
      const decoded = decodeCommitmentExtrinsic(extrinsicOf(hex.slice(2)));
      const fields = decoded.kind === 'commitment' ? decoded.fields : null;
      expect([name, fields]).toEqual([name, expected[name] ?? null]);
    }
  });

  test('fields of each kind are read in their order', () => {
    const timelocked = Buffer.concat([Buffer.of(134), compact(3), Buffer.alloc(3), u64(9)]);
    const hashes = [130, 131, 132, 133].map((tag) =>
      Buffer.concat([Buffer.of(tag), Buffer.alloc(32, 'a')]),
    );
    for (const [field, text] of [
      [textField(''), ''],
      [textField('x'.repeat(128)), 'x'.repeat(128)],
      [textField('x'.repeat(512)), 'x'.repeat(512)],
      [textField('a\nb'), null],
      [Buffer.of(0), null],
      [Buffer.of(135), null],
      [timelocked, null],
      ...hashes.map((hash) => [hash, null] as const),
    ] as const) {
      const info = Buffer.concat([compact(2), field, textField('next')]).toString('hex');
      expect(commitmentOf(extrinsicOf(callOf(info))).fields).toEqual([text, 'next']);
    }
  });

  test.for<[string, Uint8Array, string]>([
    ['nothing', Buffer.alloc(0), 'length'],
    ['a wrong length', Buffer.concat([extrinsicOf(callOf('00')), Buffer.of(0)]), 'length'],
    ['bytes after the call', extrinsicOf(callOf('0000')), 'bytes after the call'],
    ['a call that ends early', extrinsicOf('120024'), 'length'],
    ['an unsigned extrinsic', Buffer.from('040b', 'hex'), 'version'],
    ['weights', extrinsicOf('077724000004070004ffff0000000000000000'), 'pallet'],
    ['another call of the pallet', extrinsicOf('120224000000'), 'call'],
    ['a batch of commitments', extrinsicOf('0b020412002400040261'), 'pallet'],
    ['four fields', extrinsicOf(callOf('1001010101')), 'fields'],
    ['a field of no kind', extrinsicOf(callOf('0489')), 'field'],
    ['an era whose phase is beyond its period', extrinsicOf(callOf('00'), { era: '21ff' }), 'era'],
    ['an era of two blocks', extrinsicOf(callOf('00'), { era: '1000' }), 'era'],
    [
      'a nonce in more bytes than it needs',
      extrinsicOf(callOf('00'), { nonce: '1500' }),
      'compact',
    ],
    [
      'a tip in more bytes than it needs',
      extrinsicOf(callOf('00'), { tip: '0304000000' }),
      'compact',
    ],
    ['a mode of metadata that there is not', extrinsicOf(callOf('00'), { mode: '02' }), 'metadata'],
  ])('%s is no commitment', ([, bytes, detail]) => {
    expect(decodeCommitmentExtrinsic(bytes)).toEqual({
      kind: 'other',
      detail: expect.stringContaining(`field: ${detail}`),
    });
  });

  test('other signers and addresses than a hotkey has are refused', () => {
    const bytes = extrinsicOf(callOf('00'));
    for (const [at, field] of [
      [3, 'address'],
      [36, 'signature'],
    ] as const) {
      const changed = Buffer.from(bytes);
      changed[at] = 2;
      expect(decodeCommitmentExtrinsic(changed)).toMatchObject({
        detail: expect.stringContaining(`field: ${field}`),
      });
    }
  });

  test('wide nonces and tips are read', () => {
    const wide = commitmentOf(
      extrinsicOf(callOf('00'), { nonce: '0300000040', tip: `13${'ff'.repeat(8)}` }),
    );
    expect([wide.nonce, wide.tip]).toEqual([1n << 30n, 2n ** 64n - 1n]);
  });

  test('any bytes are read without an exception', () => {
    const bytes = Buffer.from(signedCommitment(ada, content).extrinsic, 'hex');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.uint8Array({ maxLength: 40 }), (at, garbage) => {
        const mutated = Buffer.concat([bytes.subarray(0, at), garbage, bytes.subarray(at + 1)]);
        expect(['commitment', 'other']).toContain(decodeCommitmentExtrinsic(mutated).kind);
        expect(['commitment', 'other']).toContain(decodeCommitmentExtrinsic(garbage).kind);
      }),
    );
  });
});

describe('the block that an era begins with', () => {
  test('is the last of its phase, not after the block', () => {
    const born = (block: number, era: string): number | null =>
      birthOf(commitmentOf(extrinsicOf(callOf('00'), { era })), block);
    expect(born(6_852_690, '2605')).toBe(6_852_690);
    expect(born(6_852_690 + 127, '2605')).toBe(6_852_690);
    expect(born(6_852_690 + 128, '2605')).toBe(6_852_690 + 128);
    expect(born(6_852_690, '00')).toBeNull();
  });
});

describe('the signature', () => {
  test('is over the payload of the recorded vector', () => {
    const { payload, call, era, genesis, blockHash } = vectors.signingPayload;
    const messages: string[] = [];
    const statement = {
      hotkey: ada.hotkey,
      extrinsic: signerBytes(extrinsicOf(call, { era })).toString('hex'),
      covers: { specVersion: 343, transactionVersion: 1, blockHash, metadataHash: null },
    };
    verifyCommitmentStatement(statement, genesis, {
      ...deps,
      verify: (message) => messages.push(Buffer.from(message).toString('hex')) > 0,
    });
    expect(messages).toEqual([payload]);
  });

  test.skipIf(!hasFixtures)('the vector is the recorded one', () => {
    const Recorded = z.object({ payload: z.string() });
    const { payload } = Recorded.parse(readFixtureJson('vectors/signing_payload.json'));
    expect(vectors.signingPayload.payload).toBe(payload.slice(2));
  });

  test('of a hotkey holds, whatever it signed for', () => {
    for (const fields of [FIELDS, FIELDS.slice(0, 1), ['a']])
      for (const extra of [
        {},
        { nonce: 1_000 },
        { era: Buffer.of(0), covers: { blockHash: FINNEY_GENESIS } },
        { covers: { metadataHash: sha256('metadata') } },
        { covers: { specVersion: 400, transactionVersion: 2 } },
      ]) {
        const statement = signedCommitment(ada, { ...content, fields, ...extra });
        expect(CommitmentStatement.parse(statement)).toEqual(statement);
        expect(verifyCommitmentStatement(statement, FINNEY_GENESIS, deps)).toBe(true);
      }
  });

  test('does not hold for anything that it covers and that is not so', () => {
    const statement = signedCommitment(ada, content);
    const holds = (other: Partial<CommitmentStatement>, genesis = FINNEY_GENESIS): boolean =>
      verifyCommitmentStatement({ ...statement, ...other }, genesis, deps);
    const { covers } = statement;
    expect(holds({})).toBe(true);
    expect(holds({}, sha256('another network'))).toBe(false);
    expect(holds({ hotkey: devSigner('ben').hotkey })).toBe(false);
    expect(holds({ covers: { ...covers, specVersion: 344 } })).toBe(false);
    expect(holds({ covers: { ...covers, transactionVersion: 2 } })).toBe(false);
    expect(holds({ covers: { ...covers, blockHash: sha256('another block') } })).toBe(false);
    expect(holds({ covers: { ...covers, metadataHash: sha256('metadata') } })).toBe(false);
    const other = signedCommitment(ada, { ...content, call: [7, 0] });
    expect(holds({ extrinsic: other.extrinsic })).toBe(false);
  });

  test('does not hold when any byte of the extrinsic is another', () => {
    const { extrinsic, ...rest } = signedCommitment(ada, content);
    const bytes = Buffer.from(extrinsic, 'hex');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      const statement = { ...rest, extrinsic: changed.toString('hex') };
      expect([at, verifyCommitmentStatement(statement, FINNEY_GENESIS, deps)]).toEqual([at, false]);
    }
  });
});

/** The signer of the statement has to be the one whose public key stands in the extrinsic. */
function signerBytes(extrinsic: Buffer): Buffer {
  const key = Buffer.from(publicKeyOf(ada.hotkey) ?? []);
  return Buffer.concat([extrinsic.subarray(0, 4), key, extrinsic.subarray(36)]);
}
