import { expect, test } from 'vitest';
import { auditLog, type Expectations, type LogVerdict } from '#src/audit/audit-log.ts';
import { type ChainView, createChainCheck } from '#src/audit/chain-facts.ts';
import { gatherFaults } from '#src/audit/fault.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { seeSnapshot } from '#src/consensus/snapshot.ts';
import { sha256 } from '#src/events/hash.ts';
import type { Snapshot } from '#src/events/snapshot.ts';
import { chainOfLog } from '../support/chain-of-log.ts';
import { devSigner } from '../support/dev-keys.ts';
import { GENESIS, honestLog, NETUID, noteOf, SELF } from '../support/honest-log.ts';
import { valueOf } from '../support/known-value.ts';
import { liveSubtensor, openChain } from '../support/live-subtensor.ts';
import { until } from '../support/live-until.ts';
import { filesOf, sourceOf } from '../support/memory-log.ts';
import { rewritten } from '../support/rewritten-log.ts';

const HONEST = honestLog({ runs: 2, miners: 3, tasks: 2 });
const CHAIN = chainOfLog(HONEST);
const EXPECTED: Expectations = {
  hotkey: SELF.hotkey,
  genesis: GENESIS,
  netuid: NETUID,
  ownerHotkey: null,
  claims: [],
};

function audit(payloads: readonly Uint8Array[], chain: ChainView | null): Promise<LogVerdict> {
  const source = sourceOf(filesOf(payloads, noteOf(payloads)));
  return auditLog(source, { ...EXPECTED, chain }, { verify: verifySr25519, blake2b256 });
}

/** The log as it would be had the chain said something else at the snapshot block of the first run. */
function lying(change: (snapshot: Snapshot) => Snapshot): readonly Uint8Array[] {
  return rewritten(HONEST, (event) => {
    if (event.type !== 'snapshot.taken.v1' || event.data.snapshot.block !== 1_000) return [event];
    const { data } = event;
    return [{ ...event, data: { ...data, snapshot: change(data.snapshot) } }];
  });
}

/** The first snapshot of a log is behind its start, its mode and the run's opening. */
const FIRST_SNAPSHOT = 3;

function differing(verdict: LogVerdict) {
  return verdict.faults.filter(({ code }) => code === 'chain-differs');
}

test('what an honest log says of the chain is compared with the chain, and is the same', async () => {
  const { faults, chain } = await audit(HONEST, CHAIN);
  expect(faults).toEqual([]);
  expect(chain).toMatchObject({
    snapshots: { checked: 4, equal: 4, unchecked: 0 },
    commitments: { checked: 2, equal: 2, unchecked: 0 },
    floor: null,
  });
});

test('without a chain nothing of that is said to be checked', async () => {
  expect((await audit(HONEST, null)).chain).toBeNull();
});

test.for([
  ['a block', (of) => ({ ...of, blockHash: sha256('another') })],
  ['a number of neurons', (of) => ({ ...of, rowCount: of.rowCount + 1 })],
  [
    "a voter's stake",
    (of) => ({
      ...of,
      voters: of.voters.map((voter) =>
        voter.hotkey === SELF.hotkey ? { ...voter, stake: '900' } : voter,
      ),
    }),
  ],
  [
    "a voter's coldkey",
    (of) => ({
      ...of,
      voters: of.voters.map((voter) => ({ ...voter, coldkey: devSigner('mine').hotkey })),
    }),
  ],
  [
    'the absence of the voter with the most stake',
    (of) => ({ ...of, voters: of.voters.filter(({ stake }) => stake !== '300') }),
  ],
  [
    'a voter',
    (of) => ({
      ...of,
      voters: [
        ...of.voters,
        {
          hotkey: devSigner('sybil').hotkey,
          coldkey: SELF.hotkey,
          uid: 99,
          stake: '5',
          axon: null,
        },
      ].toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1)),
    }),
  ],
  ['the absence of a miner’s seat', (of) => ({ ...of, miners: of.miners.slice(1) })],
  ['an incumbent', (of) => ({ ...of, incumbent: of.miners[0] ?? null })],
] as const satisfies readonly (readonly [string, (of: Snapshot) => Snapshot])[])(
  'a log that makes up %s is found out by the chain',
  async ([, change]) => {
    const verdict = await audit(lying(change), CHAIN);
    expect(differing(verdict)[0]).toMatchObject({ index: FIRST_SNAPSHOT });
    const { snapshots } = verdict.chain ?? {};
    expect(snapshots?.equal).toBeLessThan(snapshots?.checked ?? 0);
  },
);

test('the difference is told by the one fact that differs', async () => {
  const verdict = await audit(
    lying((of) => ({ ...of, rowCount: 99 })),
    CHAIN,
  );
  expect(differing(verdict)).toEqual([
    expect.objectContaining({ expected: 'rowCount 8', found: 'rowCount 99' }),
  ]);
});

test('who asks voters for more stake than the chain does leaves out the same ones, and it shows', async () => {
  const verdict = await audit(
    lying((of) => ({ ...of, voters: of.voters.filter(({ stake }) => stake !== '270') })),
    CHAIN,
  );
  expect(differing(verdict).map(({ index }) => index)).not.toContain(FIRST_SNAPSHOT);
  expect(verdict.chain?.floor).toEqual({ snapshots: 1, above: '270', upTo: '280' });
});

test('a commitment that is made up, or kept silent about, is found out by the chain', async () => {
  for (const make of ['hidden', 'invented'] as const) {
    const payloads = rewritten(HONEST, (event) => {
      if (event.type !== 'commitments.read.v1') return [event];
      const { found } = event.data;
      const changed =
        make === 'hidden'
          ? found.slice(1)
          : found.map((each) => ({ ...each, first: { ...each.first, digest: sha256(make) } }));
      return [{ ...event, data: { ...event.data, found: changed } }];
    });
    const verdict = await audit(payloads, CHAIN);
    expect(differing(verdict)).toHaveLength(2);
    expect(verdict.chain?.commitments).toMatchObject({ checked: 2, equal: 0 });
  }
});

test('an anchor that the chain does not hold is found out by it', async () => {
  const { hotkey } = devSigner('v2');
  const payloads = rewritten(HONEST, (event) => {
    if (event.type !== 'commitments.read.v1') return [event];
    const { family, run, after, upTo } = event.data;
    const tree = { generation: 0, size: 9, root: sha256('tree'), commit: null };
    const anchors = [{ hotkey, block: upTo, ...tree }];
    return [event, { type: 'anchors.read.v1', data: { family, run, after, upTo, anchors } }];
  });
  const verdict = await audit(payloads, CHAIN);
  expect(differing(verdict)).toHaveLength(2);
  expect(verdict.chain?.anchors).toMatchObject({ checked: 2, equal: 0 });
});

test('blocks that the node has no state of are counted as not checked, and never as equal', async () => {
  const pruned: ChainView = {
    metagraph: async (block) =>
      block < 2_000
        ? { known: false, detail: `no state of block ${block}` }
        : CHAIN.metagraph(block),
    commitments: async () => ({ known: false, detail: 'no state of block 1100' }),
  };
  const { faults, chain } = await audit(HONEST, pruned);
  expect(faults).toEqual([]);
  expect(chain).toMatchObject({
    snapshots: { checked: 2, equal: 2, unchecked: 2, detail: 'no state of block 1000' },
    commitments: { checked: 0, equal: 0, unchecked: 2, detail: 'no state of block 1100' },
  });
});

test('a live chain tells an audit the same of a block as it told a validator, as long as it has its state', async () => {
  await using live = await liveSubtensor({ keepStates: 10 });
  const { chain, devchain } = live;
  const block = valueOf(await chain.finalizedBlock());
  const metagraph = valueOf(await chain.metagraph(block));
  const miners = metagraph.neurons.slice(5).map(({ hotkey }) => hotkey);
  const seen = seeSnapshot(metagraph, { miners, minStake: 0n });
  if (seen.kind !== 'snapshot') throw new Error(seen.detail);
  const said = seen.snapshot;
  expect(said.voters).not.toHaveLength(0);
  const faults = gatherFaults();
  const check = createChainCheck(chain, faults);
  check.note({ about: 'snapshots', n: 7, said, miners });
  check.note({ about: 'snapshots', n: 8, said: { ...said, miners: [] }, miners });
  await check.settle();
  expect(faults.list()).toMatchObject([{ code: 'chain-differs', index: 8 }]);
  await devchain.produceBlock(20);
  // What the validator's own adapter remembers another one has to ask for.
  await using later = openChain(devchain, null);
  await until('an answer', async () => (await later.finalizedBlock()).known);
  const late = createChainCheck(later, faults);
  late.note({ about: 'snapshots', n: 9, said, miners });
  await late.settle();
  expect(late.verdict().snapshots).toMatchObject({ checked: 0, equal: 0, unchecked: 1 });
  expect(late.verdict().snapshots.detail).toContain(String(block));
});
