import type { ApiPromise } from '@polkadot/api/cjs/index';
import { afterAll, expect, test } from 'vitest';
import type { ChainCommitment, Known } from '#src/chain/chain.ts';
import { readCommitments } from '#src/chain/commitments.ts';
import { readMetagraph } from '#src/chain/metagraph.ts';
import { readSubmissionFacts, type SubmissionFacts } from '#src/chain/submission-facts.ts';
import { readWeightsRow } from '#src/chain/weights-row.ts';
import { startDevchain } from '#src/devchain/devchain.ts';
import { devSigner } from '../support/dev-keys.ts';
import { devGenesis, hotkey, TAO, UID } from '../support/dev-subnet.ts';
import { valueOf } from '../support/known-value.ts';
import { connected, openChain } from '../support/open-chain.ts';
import { signed, type Tx } from '../support/polkadot-api.ts';
import { quietProcess } from '../support/quiet-process.ts';

const NETUID = 36;
/** States that the node keeps. */
const KEEP_STATES = 40;

quietProcess();
const devchain = await startDevchain(
  devGenesis({
    hyperparameters: { tempo: 99, weightsSetRateLimit: 3, weightsVersionKey: '7' },
  }),
  { blockMs: null, finalityLag: 0, keepStates: KEEP_STATES },
);
const connection = openChain([devchain.url], devchain.genesisHash);
await connected(connection);
afterAll(async () => {
  await connection[Symbol.asyncDispose]();
  await devchain[Symbol.asyncDispose]();
});

test('the metagraph is the state of the chain', async () => {
  await devchain.produceBlock(3);
  const { neurons, ...subnet } = await read((api) =>
    readMetagraph(api, { netuid: NETUID, ...now() }),
  );
  expect(subnet).toEqual({
    ...now(),
    ownerHotkey: hotkey('owner'),
    hyperparameters: {
      tempo: 99,
      kappa: 32_767,
      minAllowedWeights: 1,
      weightsVersion: 7n,
      weightsRateLimit: 3,
      activityCutoff: 5_000,
      maxValidators: 128,
      commitReveal: true,
      revealPeriod: 1,
      stakeThreshold: 1_000n * TAO,
    },
  });
  expect(neurons.map(({ hotkey, stake, permit }) => ({ hotkey, stake, permit }))).toEqual(
    devchain
      .stateAt()
      .neurons.map(({ hotkey, alphaStake, permit }) => ({ hotkey, stake: alphaStake, permit })),
  );
  expect(neurons.map(({ uid }) => uid)).toEqual(Object.values(UID));
});

test('a subnet that is not there is empty, not without neurons', async () => {
  const answer = await connection.withApi((link) =>
    readMetagraph(link.api, { netuid: 7, ...now() }),
  );
  expect(valueOf(answer)).toMatchObject({ known: false, reason: 'empty' });
});

test('what was committed and overwritten is found, but for what another call of its block replaced', async () => {
  const start = devchain.heads().best.number;
  await commit('a', 'one');
  await devchain.produceBlock();
  await commit('a', 'two');
  await commit('a', 'three');
  await commit('b', 'four', 'five');
  await devchain.produceBlock(4);
  await commit('a', 'six');
  await devchain.produceBlock(2);
  const upTo = devchain.heads().best.number;

  const found = await commitments(start, upTo);
  expect(found).toEqual([
    { hotkey: hotkey('a'), block: start + 1, fields: ['one'] },
    ...[
      { hotkey: hotkey('a'), block: start + 2, fields: ['three'] },
      { hotkey: hotkey('b'), block: start + 2, fields: ['four', 'five'] },
    ].toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1)),
    { hotkey: hotkey('a'), block: start + 6, fields: ['six'] },
  ]);
  // A range ends where it is told to, on both sides, and two of them share nothing.
  expect(await commitments(start, start + 5)).toEqual(found.slice(0, 3));
  expect(await commitments(start + 5, upTo)).toEqual(found.slice(3));
  expect(await commitments(start + 6, upTo)).toEqual([]);
});

test('a walk into discarded states is unavailable; what needs none of them is known', async () => {
  await commit('c', 'early');
  await devchain.produceBlock();
  const at = now();
  await devchain.produceBlock(10);
  await commit('c', 'late');
  await devchain.produceBlock(KEEP_STATES - 5);
  const upTo = devchain.heads().best.number;
  const answer = await connection.withApi((link) =>
    readCommitments(link.api, {
      netuid: NETUID,
      hotkeys: [hotkey('c')],
      range: { after: at.block - 1, upTo },
    }),
  );
  expect(valueOf(answer)).toMatchObject({
    reason: 'unavailable',
    // The parent's is asked for first: it tells which runtime wrote the block's.
    detail: expect.stringContaining(`no state of block ${at.block - 1} (any more)`),
  });
  expect(await commitments(at.block, upTo)).toEqual([
    { hotkey: hotkey('c'), block: at.block + 11, fields: ['late'] },
  ]);
  const metagraph = await connection.withApi((link) =>
    readMetagraph(link.api, { netuid: NETUID, ...at }),
  );
  expect(valueOf(metagraph)).toMatchObject({ known: false, reason: 'unavailable' });
});

test('facts of a submission follow what the hotkey did', async () => {
  const before = await facts('d');
  expect(before).toMatchObject({
    ...now(),
    timestampMs: devchain.stateAt().timestampMs,
    specVersion: 343,
    uidCount: 8,
    neuron: { uid: UID.d, permit: true, stake: 15_000n * TAO, lastUpdate: 0, owner: false },
    stakeThreshold: 1_000n * TAO,
    minAllowedWeights: 1,
    weightsVersion: 7n,
    weightsRateLimit: 3,
    commitReveal: { enabled: true, version: 4, period: 1, unrevealed: 0 },
    tempo: 99,
    epoch: null,
    drand: { lastStoredRound: devchain.stateAt().drand.lastStoredRound, period: 3 },
    space: { max: 3_100, used: 0, usedInEpoch: 0 },
  });

  await commit('d', 'x'.repeat(120));
  await submit('d', (api) =>
    api.tx['subtensorModule']?.['commitTimelockedMechanismWeights']?.(
      NETUID,
      0,
      `0x${'ab'.repeat(60)}`,
      before.drand.lastStoredRound + 1_000,
      4,
    ),
  );
  await devchain.produceBlock();
  const { block } = now();
  const epoch = Math.floor((block + NETUID + 1) / 100);
  expect(await facts('d')).toMatchObject({
    neuron: { lastUpdate: block },
    commitReveal: { unrevealed: 1 },
    space: { used: 120, usedInEpoch: epoch },
  });
  expect(await facts('a')).toMatchObject({ commitReveal: { unrevealed: 0 } });
  expect(await facts('owner')).toMatchObject({ neuron: { owner: true } });
  expect(await facts('nobody')).toMatchObject({ neuron: null });
  expect(
    await read((api) => readWeightsRow(api, { netuid: NETUID, hotkey: hotkey('d'), ...now() })),
  ).toEqual({ block, vector: null, lastUpdate: block, activityCutoff: 5_000, weightsRateLimit: 3 });

  // The block that runs an epoch belongs to the next one, and facts are those of the next block.
  const lastOfQueue = (epoch + 1) * 100 - NETUID - 4;
  await devchain.produceBlock(lastOfQueue - block);
  expect((await facts('d')).commitReveal.unrevealed).toBe(1);
  await devchain.produceBlock();
  expect((await facts('d')).commitReveal.unrevealed).toBe(0);
});

/** The finalised head. */
function now(): { block: number; blockHash: string } {
  const { number, hash } = devchain.heads().finalized;
  return { block: number, blockHash: hash };
}

async function read<T>(reading: (api: ApiPromise) => Promise<Known<T>>): Promise<T> {
  return valueOf(valueOf(await connection.withApi((link) => reading(link.api))));
}

function facts(name: string): Promise<SubmissionFacts> {
  return read((api) =>
    readSubmissionFacts(api, { netuid: NETUID, hotkey: hotkey(name), ...now() }),
  );
}

function commitments(after: number, upTo: number): Promise<readonly ChainCommitment[]> {
  const hotkeys = ['a', 'b', 'c'].map(hotkey);
  return read((api) => readCommitments(api, { netuid: NETUID, hotkeys, range: { after, upTo } }));
}

function commit(name: string, ...texts: readonly string[]): Promise<void> {
  const fields = texts.map((text) => ({ [`Raw${text.length}`]: Buffer.from(text) }));
  return submit(name, (api) => api.tx['commitments']?.['setCommitment']?.(NETUID, { fields }));
}

const nonces = new Map<string, number>();

/** Puts a call into the pool, for the next block. */
async function submit(name: string, call: (api: ApiPromise) => Tx | undefined): Promise<void> {
  const nonce = nonces.get(name) ?? 0;
  nonces.set(name, nonce + 1);
  valueOf(
    await connection.withApi(async (link) => {
      const tx = call(link.api);
      if (tx === undefined) throw new TypeError('the metadata has no such call');
      const bytes = await signed(tx, devSigner(name), { nonce, era: 0 });
      await link.call('author_submitExtrinsic', [bytes]);
    }),
  );
}
