import { describe, expect, test } from 'vitest';
import { blake2b256 } from '#src/chain/blake2b.ts';
import type { Call, Chain, Extrinsic } from '#src/chain/chain.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { scoreDigest } from '#src/consensus/commitment.ts';
import { verifyCommitmentStatement } from '#src/consensus/commitment-extrinsic.ts';
import { hotkey, UID } from '../support/dev-subnet.ts';
import { answered, liveSubtensor, openChain } from '../support/live-subtensor.ts';
import { quietProcess } from '../support/quiet-process.ts';

quietProcess();

const PLAIN = { hyperparameters: { commitRevealEnabled: false } };
const FIELDS = [
  `eirel/scores/v1:run-7:${scoreDigest('body')}`,
  `eirel/log/v1:1234567:${'r'.repeat(43)}:${'c'.repeat(43)}`,
];
const COMMITMENT: Call = { kind: 'commitment', fields: FIELDS };
const deps = { verify: verifySr25519, blake2b256 };

async function submitted(chain: Chain, call: Call = COMMITMENT): Promise<Extrinsic> {
  const made = await answered(() => chain.sign(call));
  if (made.kind === 'refused') throw new Error(made.error.detail);
  expect(await chain.send(made.extrinsic)).toEqual({ kind: 'sent' });
  return made.extrinsic;
}

describe('what a hotkey signed in a block', () => {
  test('is found in the body, and verifies without the chain', async () => {
    await using live = await liveSubtensor();
    const { chain, devchain } = live;
    const birth = devchain.heads().finalized;
    const { bytes } = await submitted(chain);
    await devchain.produceBlock(3);
    const found = await answered(() => chain.commitmentExtrinsics(hotkey('a'), [6, 5, 6]));
    expect(found).toEqual([
      {
        kind: 'not-portable',
        block: 5,
        detail: 'no set_commitment in its body is signed by the hotkey itself',
      },
      {
        kind: 'signed',
        block: 6,
        fields: FIELDS,
        statement: {
          hotkey: hotkey('a'),
          extrinsic: bytes,
          covers: {
            specVersion: 343,
            transactionVersion: 1,
            blockHash: birth.hash,
            metadataHash: null,
          },
        },
      },
    ]);
    const statement = found[1]?.kind === 'signed' ? found[1].statement : null;
    if (statement === null) throw new Error('not signed');
    expect(verifyCommitmentStatement(statement, devchain.genesisHash, deps)).toBe(true);
    expect(verifyCommitmentStatement(statement, 'ab'.repeat(32), deps)).toBe(false);
  });

  test('is neither what another hotkey committed to nor another call of its own', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    await using other = openChain(devchain, 'b');
    await submitted(chain, { kind: 'weights', vector: [{ uid: UID.x, weight: 65_535 }] });
    await submitted(other);
    await devchain.produceBlock(3);
    const ofBlock = (name: string) => answered(() => chain.commitmentExtrinsics(hotkey(name), [6]));
    expect(await ofBlock('a')).toMatchObject([{ kind: 'not-portable', block: 6 }]);
    expect(await ofBlock('b')).toMatchObject([{ kind: 'signed', block: 6, fields: FIELDS }]);
  });

  test('for a runtime that was replaced since is of that runtime, as long as a node has its state', async () => {
    await using live = await liveSubtensor({ keepStates: 20 });
    const { chain, devchain } = live;
    await submitted(chain);
    await devchain.produceBlock(3);
    devchain.faults.upgradeRuntime();
    await devchain.produceBlock(4);
    await using late = openChain(devchain, null);
    await answered(late.finalizedBlock);
    const found = await answered(() => late.commitmentExtrinsics(hotkey('a'), [6]));
    expect(found).toMatchObject([{ kind: 'signed', statement: { covers: { specVersion: 343 } } }]);
    await devchain.produceBlock(20);
    expect(await late.commitmentExtrinsics(hotkey('a'), [6])).toMatchObject({
      known: false,
      reason: 'unavailable',
    });
  });

  test('of a block that is not final is not asked for', async () => {
    await using live = await liveSubtensor();
    const { chain } = live;
    expect(await chain.commitmentExtrinsics(hotkey('a'), [4])).toMatchObject({
      known: false,
      reason: 'not-final',
    });
    expect(await answered(() => chain.commitmentExtrinsics(hotkey('a'), []))).toEqual([]);
  });
});

test('the slots hold what each hotkey committed to last, and nothing for who never did', async () => {
  await using live = await liveSubtensor();
  const { chain, devchain } = live;
  const latest = () => answered(() => chain.latestCommitments(['c', 'a', 'b', 'a'].map(hotkey)));
  expect(await latest()).toEqual([]);
  await using other = openChain(devchain, 'b');
  await submitted(chain, { kind: 'commitment', fields: ['first'] });
  await submitted(other, { kind: 'commitment', fields: ['of b'] });
  await devchain.produceBlock(3);
  await submitted(chain);
  expect(await latest()).toEqual(
    [
      { hotkey: hotkey('a'), block: 6, fields: ['first'] },
      { hotkey: hotkey('b'), block: 6, fields: ['of b'] },
    ].toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1)),
  );
  await devchain.produceBlock(3);
  expect(await latest()).toContainEqual({ hotkey: hotkey('a'), block: 9, fields: FIELDS });
});
