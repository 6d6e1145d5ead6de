import { describe, expect, test } from 'vitest';
import { blake2b256 } from '#src/chain/blake2b.ts';
import type { Chain } from '#src/chain/chain.ts';
import { decodeCommitmentExtrinsic, fieldsOf } from '#src/consensus/commitment-extrinsic.ts';
import { commitmentKey, readCommitmentProof } from '#src/consensus/commitment-proof.ts';
import { hotkey } from '../support/dev-subnet.ts';
import { answered, type LiveSubtensor, liveSubtensor } from '../support/live-subtensor.ts';
import { quietProcess } from '../support/quiet-process.ts';

quietProcess();

const NETUID = 36;
const SLOT = { netuid: NETUID, hotkey: hotkey('a') };
/** Longer than what the trie holds within its nodes. */
const FIELDS = [`eirel/scores/v1:run-7:${'ab'.repeat(32)}`, 'a second field'];

/** Commits, and gives the fields in SCALE as they were signed. */
async function commit({ chain, devchain }: LiveSubtensor): Promise<string> {
  const made = await answered(() => chain.sign({ kind: 'commitment', fields: FIELDS }));
  if (made.kind === 'refused') throw new Error(made.error.detail);
  expect(await chain.send(made.extrinsic)).toEqual({ kind: 'sent' });
  await devchain.produceBlock(3);
  const decoded = decodeCommitmentExtrinsic(Buffer.from(made.extrinsic.bytes, 'hex'));
  if (decoded.kind === 'other') throw new Error(decoded.detail);
  return fieldsOf(decoded);
}

const prove = (chain: Chain, block: number) => chain.commitmentProof(hotkey('a'), block);

describe('the proof of a commitment', () => {
  test('shows what was signed, to whoever knows the hash of the block', async () => {
    await using live = await liveSubtensor();
    const fields = await commit(live);
    const proof = await answered(() => prove(live.chain, 6));
    expect(proof.blockHash).toBe(await answered(() => live.chain.blockHash(6)));
    expect(readCommitmentProof(proof, SLOT, { blake2b256 })).toEqual({
      kind: 'stored',
      stored: { at: 6, block: 6, fields },
    });
    const other = { ...SLOT, hotkey: hotkey('b') };
    expect(readCommitmentProof(proof, other, { blake2b256 }).kind).toBe('fault');
  });

  test('is of the state of any later block as well, until the slot is overwritten', async () => {
    await using live = await liveSubtensor();
    await commit(live);
    await live.devchain.produceBlock(4);
    const proof = await answered(() => prove(live.chain, 9));
    expect(readCommitmentProof(proof, SLOT, { blake2b256 })).toMatchObject({
      stored: { at: 9, block: 6 },
    });
  });

  test.for([
    ['before there is one', 4, 'nothing in the slot at block 4'],
    ['of a block that is not final', 60, 'is not final'],
  ] as const)('is not given %s', async ([, block, detail]) => {
    await using live = await liveSubtensor();
    await commit(live);
    const read = await prove(live.chain, block);
    expect(read).toMatchObject({ known: false, detail: expect.stringContaining(detail) });
  });

  test('is unavailable, and nothing else is, once the node has forgotten the state', async () => {
    await using live = await liveSubtensor({ keepStates: 5 });
    await commit(live);
    await live.devchain.produceBlock(10);
    await answered(() => live.chain.metagraph(15));
    expect(await prove(live.chain, 6)).toMatchObject({ known: false, reason: 'unavailable' });
    expect((await live.chain.blockHash(6)).known).toBe(true);
  });

  test('is unavailable from a node that does not prove anything', async () => {
    await using live = await liveSubtensor();
    await commit(live);
    live.devchain.faults.failCalls('state_getReadProof', -32_601, 'Method not found');
    const read = await prove(live.chain, 6);
    expect(read).toMatchObject({ known: false, reason: 'unavailable' });
    expect(read).toMatchObject({ detail: expect.stringContaining('Method not found') });
    expect((await live.chain.commitmentExtrinsics(hotkey('a'), [6])).known).toBe(true);
  });
});

test('the key of a slot is the one of the pallet', () => {
  const alice = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
  expect(commitmentKey({ netuid: 1, hotkey: alice })).toBe(
    'ca407206ec1ab726b2636c4b145ac287419a60ae8b01e6dcaebd7317e43c69bf' +
      '0100518366b5b1bc7c99d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d',
  );
  expect(commitmentKey({ netuid: 1, hotkey: 'nobody' })).toBeNull();
});
