import { blake2AsHex } from '@polkadot/util-crypto/cjs/index';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { buildCall } from '#src/chain/build-call.ts';
import type { Call } from '#src/chain/chain.ts';
import { QUICKNET } from '#src/chain/drand.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { signExtrinsic } from '#src/chain/sign-call.ts';
import type { SubmissionFacts } from '#src/chain/submission-facts.ts';
import type { Signer } from '#src/consensus/keys.ts';
import { devSigner } from '../support/dev-keys.ts';
import { FINNEY, finneyNode, hasFixtures, readFixtureJson } from '../support/finney-fixture.ts';
import { valueOf } from '../support/known-value.ts';

const GENESIS = '2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03';
const alice = devSigner('alice');
const own = { netuid: 36, hotkey: alice.hotkey, versionKey: 9n, genesis: GENESIS };
const birth = { block: FINNEY.block, blockHash: FINNEY.blockHash };
const facts: SubmissionFacts = {
  ...birth,
  timestampMs: 1_763_500_000_000,
  specVersion: 343,
  uidCount: 256,
  neuron: null,
  stakeThreshold: 0n,
  minAllowedWeights: 1,
  weightsVersion: 0n,
  weightsRateLimit: 100,
  commitReveal: { enabled: false, version: 4, period: 1, unrevealed: 0 },
  tempo: 360,
  epoch: null,
  drand: { ...QUICKNET, lastStoredRound: 23_000_000 },
  space: { max: 3_100, used: 0, usedInEpoch: 0 },
};
const commitReveal = { ...facts.commitReveal, enabled: true };

/** Signs as it is told, and keeps what it was given to sign. */
function listening(): { signer: Signer; messages: Uint8Array[] } {
  const messages: Uint8Array[] = [];
  const sign = (message: Uint8Array) => {
    messages.push(message);
    return alice.sign(message);
  };
  return { signer: { ...alice, sign }, messages };
}

async function signedBy(call: Call, change: Partial<SubmissionFacts> = {}) {
  await using node = await finneyNode();
  const { api } = node;
  const random = (bytes: number) => new Uint8Array(bytes).fill(7);
  const context = { facts: { ...facts, ...change }, own };
  const built = valueOf(buildCall(call, context, { api, random }));
  if (built.kind === 'refused') throw new Error(built.error.detail);
  const { signer, messages } = listening();
  const extrinsic = signExtrinsic(built, { nonce: 5, birth, genesis: GENESIS }, { api, signer });
  const decoded = api.registry.createType('Extrinsic', `0x${extrinsic.bytes}`);
  return { extrinsic, decoded, message: messages[0] ?? new Uint8Array() };
}

const SigningVector = z.object({ payload: z.string(), era: z.object({ hex: z.string() }) });

/** The recorded payload is of an era of 128 blocks; in ours the same block is the 19th of 64. */
const OUR_ERA = '2501';

const text = `eirel/scores/v1:run-2026-11-23-000123:${'ab'.repeat(32)}`;
const commitment: Call = { kind: 'commitment', fields: [text] };
const weights: Call = { kind: 'weights', vector: [{ uid: 7, weight: 65_535 }] };

describe.skipIf(!hasFixtures)('an extrinsic for the recorded runtime of Finney', () => {
  test('is signed over the payload of the recorded vector', async () => {
    const { extrinsic, decoded, message } = await signedBy(commitment);
    const vector = SigningVector.parse(readFixtureJson('vectors/signing_payload.json'));
    const expected = vector.payload.slice(2).replace(vector.era.hex.slice(2), OUR_ERA);
    expect(Buffer.from(message).toString('hex')).toBe(expected);
    expect(verifySr25519(message, decoded.signature.toHex().slice(2), alice.hotkey)).toBe(true);
    expect(decoded.signer.toString()).toBe(alice.hotkey);
    expect(extrinsic).toMatchObject({
      call: 'Commitments.set_commitment',
      hash: blake2AsHex(`0x${extrinsic.bytes}`, 256).slice(2),
      nonce: 5,
      birth: FINNEY.block,
      death: FINNEY.block + 63,
      reveal: null,
    });
  });

  test('is signed by the hash of a payload that is longer than 256 bytes', async () => {
    const fields = [text, text, text];
    const { message } = await signedBy({ kind: 'commitment', fields });
    expect(message).toHaveLength(32);
  });

  test('sets weights where they need no commit', async () => {
    const { extrinsic, decoded } = await signedBy(weights);
    expect(extrinsic.call).toBe('SubtensorModule.set_mechanism_weights');
    expect(decoded.method.toHex()).toBe('0x077724000004070004ffff0900000000000000');
  });

  test('commits weights where they need one, for the round at the third block of the reveal', async () => {
    const { extrinsic, decoded } = await signedBy(weights, { commitReveal });
    // Block 6,852,690 + 37 is in epoch 18,982 of 361 blocks; the reveal is in the next one.
    const block = 18_983 * 361 - 37;
    const round = Math.floor((1_763_500_000 + (block + 3 - FINNEY.block) * 12 - 1_692_803_367) / 3);
    expect(extrinsic).toMatchObject({
      call: 'SubtensorModule.commit_timelocked_mechanism_weights',
      reveal: { block, round },
      death: FINNEY.block + 31,
    });
    expect(decoded.method.args.slice(3).map(String)).toEqual([`${round}`, '4']);
    // The ciphertext is 244 bytes longer than hotkey, one uid, one value and the version key.
    expect(decoded.method.args[2]?.toU8a(true)).toHaveLength(244 + 33 + 3 + 3 + 8);
  });

  test('announces an axon', async () => {
    const { decoded } = await signedBy({ kind: 'axon', url: 'http://192.222.59.109:8091' });
    expect(decoded.method.args.map(String)).toEqual([
      '36',
      '1',
      '3235789677',
      '8091',
      '4',
      '4',
      '0',
      '0',
    ]);
  });

  test('is not made for a beacon that is not the one of Finney', async () => {
    await using node = await finneyNode();
    const forged = { ...facts, commitReveal, drand: { ...facts.drand, period: 30 } };
    const built = buildCall(
      weights,
      { facts: forged, own },
      { api: node.api, random: (bytes) => new Uint8Array(bytes) },
    );
    expect(built).toMatchObject({ known: false, reason: 'malformed' });
  });

  test('is not made for a round that is public', async () => {
    const lastStoredRound = 99_999_999;
    const made = signedBy(weights, { commitReveal, drand: { ...facts.drand, lastStoredRound } });
    await expect(made).rejects.toThrow('is public');
  });
});
