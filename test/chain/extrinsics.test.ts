import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Call, Chain, Extrinsic, Signing } from '#src/chain/chain.ts';
import type { Devchain } from '#src/devchain/devchain.ts';
import type { DevParams } from '#src/devchain/state.ts';
import { hotkey, UID } from '../support/dev-subnet.ts';
import {
  answered,
  type LiveSubtensor,
  liveSubtensor,
  openChain,
} from '../support/live-subtensor.ts';
import { until } from '../support/live-until.ts';

const row = [
  { uid: UID.x, weight: 65_535 },
  { uid: UID.y, weight: 7 },
];
const weights: Call = { kind: 'weights', vector: row };
const PLAIN = { hyperparameters: { commitRevealEnabled: false } };
const RATE_LIMIT = 3;

async function signing(chain: Chain, call: Call = weights): Promise<Signing> {
  return answered(() => chain.sign(call));
}

async function signed(chain: Chain, call: Call = weights): Promise<Extrinsic> {
  const made = await signing(chain, call);
  if (made.kind === 'refused') throw new Error(`${made.error.name}: ${made.error.detail}`);
  return made.extrinsic;
}

/** Traces, through lost connections. */
const traced = (chain: Chain, extrinsic: Extrinsic) => answered(() => chain.trace(extrinsic));

/** Sends until a node has answered, as a caller does who asks again at each block. */
const sent = (chain: Chain, extrinsic: Extrinsic) =>
  until('an answer to the submission', async () => {
    const sending = await chain.send(extrinsic);
    return sending.kind !== 'unknown' && sending;
  });

/** How many extrinsics of the validator are on the chain. */
function timesIncluded(devchain: Devchain): number {
  const { best } = devchain.heads();
  let times = 0;
  for (let number = 1; number <= best.number; number += 1) {
    const { nonces } = devchain.stateAt(number);
    const before = devchain.stateAt(number - 1).nonces;
    times += (nonces.get(hotkey('a')) ?? 0) - (before.get(hotkey('a')) ?? 0);
  }
  return times;
}

function amend(devchain: Devchain, params: Partial<DevParams>): void {
  devchain.amend((state) => ({ ...state, params: { ...state.params, ...params } }));
}

async function expectSetOnce({ chain, devchain }: LiveSubtensor, extrinsic: Extrinsic) {
  expect(await traced(chain, extrinsic)).toMatchObject({ kind: 'final', error: null });
  expect(await answered(() => chain.weightsOf(hotkey('a')))).toMatchObject({ vector: row });
  expect(timesIncluded(devchain)).toBe(1);
}

describe('an extrinsic', () => {
  test('is pending, then included, then final', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    expect(extrinsic).toMatchObject({ nonce: 0, birth: 3, death: 66, reveal: null });
    expect(await traced(chain, extrinsic)).toEqual({ kind: 'pending', block: 3 });
    expect(await chain.send(extrinsic)).toEqual({ kind: 'sent' });
    expect(await traced(chain, extrinsic)).toEqual({ kind: 'pending', block: 3 });
    await devchain.produceBlock();
    const { hash } = devchain.heads().best;
    const place = { block: 6, blockHash: hash };
    expect(await traced(chain, extrinsic)).toEqual({ kind: 'included', ...place });
    await devchain.produceBlock();
    expect(await traced(chain, extrinsic)).toEqual({ kind: 'included', ...place });
    await devchain.produceBlock();
    expect(await traced(chain, extrinsic)).toEqual({ kind: 'final', ...place, error: null });
    await expectSetOnce(live, extrinsic);
  });

  test('that is sent ten times, before and after its inclusion, sets weights once', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    const answers: string[] = [];
    for (let time = 0; time < 10; time += 1) {
      answers.push((await chain.send(extrinsic)).kind);
      if (time > 3) await devchain.produceBlock();
    }
    expect(answers).toEqual([...Array(5).fill('sent'), ...Array(5).fill('unknown')]);
    await expectSetOnce(live, extrinsic);
  });

  test('that is signed twice at once is included once, and the other is dead', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const [first, second] = await Promise.all([signed(chain), signed(chain)]);
    expect(second.hash).not.toBe(first.hash);
    expect(second.nonce).toBe(first.nonce);
    await chain.send(first);
    expect(await chain.send(second)).toMatchObject({
      kind: 'refused',
      error: { name: 'PriorityTooLow', class: 'wait' },
    });
    await devchain.produceBlock();
    expect(await traced(chain, second)).toMatchObject({ kind: 'pending' });
    await devchain.produceBlock(2);
    expect(await traced(chain, second)).toEqual({ kind: 'dead', block: 6, reason: 'nonce-taken' });
    await expectSetOnce(live, first);
  });

  test('with a nonce that is ahead waits, and expires when nobody fills the gap', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const setNonce = (nonce: number): void =>
      devchain.amend((state) => ({ ...state, nonces: new Map([[hotkey('a'), nonce]]) }));
    setNonce(1);
    await devchain.produceBlock(3);
    const second = await signed(chain);
    expect(second.nonce).toBe(1);
    setNonce(0);
    await devchain.produceBlock();
    expect(await chain.send(second)).toEqual({ kind: 'sent' });
    await devchain.produceBlock(second.death + 1 - devchain.heads().best.number);
    expect(await traced(chain, second)).toMatchObject({ kind: 'pending', block: second.death - 1 });
    await devchain.produceBlock();
    const dead = { kind: 'dead', block: second.death, reason: 'expired' };
    expect(await traced(chain, second)).toEqual(dead);
    expect(timesIncluded(devchain)).toBe(0);
  });

  test('has none signed beside it, by whatever process, until its end is final', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const first = await signed(chain);
    await chain.send(first);
    // Another process with the same hotkey: its log knows nothing of the first.
    await using other = openChain(devchain);
    await answered(other.finalizedBlock);
    const underWay = {
      known: false,
      reason: 'unavailable',
      detail: expect.stringContaining(`extrinsic 0 of ${hotkey('a')} is under way`),
    };
    const commitment: Call = { kind: 'commitment', fields: ['other'] };
    expect(await other.sign(commitment)).toMatchObject(underWay);
    await devchain.produceBlock(2);
    expect(await traced(chain, first)).toMatchObject({ kind: 'included', block: 6 });
    expect(await other.sign(commitment)).toMatchObject(underWay);
    await devchain.produceBlock();
    expect(await traced(chain, first)).toMatchObject({ kind: 'final' });
    expect(await signed(other, commitment)).toMatchObject({ nonce: 1 });
  });

  test('may come into its last block, and not into the one after it', async () => {
    for (const late of [0, 1]) {
      await using live = await liveSubtensor({ ...PLAIN, finalityLag: 0 });
      const { chain, devchain } = live;
      const extrinsic = await signed(chain);
      await chain.send(extrinsic);
      devchain.faults.holdExtrinsics(extrinsic.death - 1 + late - devchain.heads().best.number);
      await devchain.produceBlock(extrinsic.death + 1 - devchain.heads().best.number);
      expect(await traced(chain, extrinsic)).toMatchObject(
        late === 0
          ? { kind: 'final', block: extrinsic.death }
          : { kind: 'dead', reason: 'expired' },
      );
    }
  });
});

describe('a connection that is lost', () => {
  test.each(['before-call', 'before-answer', 'after-answer'] as const)(
    'while the extrinsic is sent (%s): sent again it comes once',
    async (time) => {
      await using live = await liveSubtensor(PLAIN);
      const { chain, devchain } = live;
      const extrinsic = await signed(chain);
      devchain.faults.dropOnCall('author_submitExtrinsic', time);
      const lost = await chain.send(extrinsic);
      expect(lost.kind).toBe(time === 'after-answer' ? 'sent' : 'unknown');
      expect(await traced(chain, extrinsic)).toMatchObject({ kind: 'pending' });
      expect(await sent(chain, extrinsic)).toEqual({ kind: 'sent' });
      await devchain.produceBlock(3);
      await expectSetOnce(live, extrinsic);
    },
  );

  test('after the node took it: the blocks tell without another submission', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    devchain.faults.dropOnCall('author_submitExtrinsic', 'before-answer');
    expect((await chain.send(extrinsic)).kind).toBe('unknown');
    await devchain.produceBlock(3);
    await expectSetOnce(live, extrinsic);
  });

  test('after the inclusion and before finality changes nothing', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    await chain.send(extrinsic);
    await devchain.produceBlock();
    expect(await traced(chain, extrinsic)).toMatchObject({ kind: 'included', block: 6 });
    devchain.faults.dropConnections();
    expect(await traced(chain, extrinsic)).toMatchObject({ kind: 'included', block: 6 });
    await devchain.produceBlock(2);
    devchain.faults.dropConnections();
    await expectSetOnce(live, extrinsic);
  });

  test('while an extrinsic is signed or traced is an unknown, and the next question is answered', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    devchain.faults.dropOnCall('system_accountNextIndex', 'before-answer');
    expect(await chain.sign(weights)).toMatchObject({ known: false, reason: 'unavailable' });
    const extrinsic = await signed(chain);
    await sent(chain, extrinsic);
    await devchain.produceBlock(3);
    for (const method of ['chain_getFinalizedHead', 'chain_getBlock', 'chain_getBlockHash']) {
      devchain.faults.dropOnCall(method, 'before-answer');
      expect(await chain.trace(extrinsic)).toMatchObject({ known: false, reason: 'unavailable' });
      await answered(() => chain.weightsOf(hotkey('a')));
    }
    await expectSetOnce(live, extrinsic);
  });
});

describe('a process that dies', () => {
  test('after the extrinsic was sent finds out from the bytes alone what became of it', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    await chain.send(extrinsic);
    await chain[Symbol.asyncDispose]();
    await devchain.produceBlock(5);
    await using next = openChain(devchain);
    await answered(next.finalizedBlock);
    await expectSetOnce({ ...live, chain: next }, extrinsic);
    expect(await signing(next)).toMatchObject({ kind: 'signed', extrinsic: { nonce: 1 } });
  });
});

describe('a node that starts again', () => {
  test('has lost its pool: the extrinsic expires, provably, and a new one has the same nonce', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    await chain.send(extrinsic);
    devchain.faults.restart();
    await devchain.produceBlock(extrinsic.death + 1 - 5);
    expect(await traced(chain, extrinsic)).toMatchObject({ kind: 'pending' });
    await devchain.produceBlock();
    expect(await traced(chain, extrinsic)).toMatchObject({ kind: 'dead', reason: 'expired' });
    // Dead for good: the chain does not take the bytes any more, which the blocks alone prove.
    expect(await chain.send(extrinsic)).toMatchObject({
      kind: 'unknown',
      detail: expect.stringMatching(/^BadSignature, but a node may have it: /),
    });
    const again = await signed(chain);
    expect(again.nonce).toBe(extrinsic.nonce);
    await chain.send(again);
    await devchain.produceBlock(3);
    await expectSetOnce(live, again);
  });

  test('takes the same bytes again', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    await chain.send(extrinsic);
    devchain.faults.restart();
    await devchain.produceBlock(2);
    expect(await sent(chain, extrinsic)).toEqual({ kind: 'sent' });
    await devchain.produceBlock(3);
    await expectSetOnce(live, extrinsic);
  });
});

describe('a reorganisation', () => {
  test('moves the extrinsic to another block, in which it becomes final', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    await chain.send(extrinsic);
    await devchain.produceBlock();
    const before = await traced(chain, extrinsic);
    devchain.faults.reorg(1);
    const found = devchain.findExtrinsic(extrinsic.hash);
    const after = await traced(chain, extrinsic);
    expect(after).toEqual({ kind: 'included', block: found?.block, blockHash: found?.blockHash });
    expect(after).not.toEqual(before);
    await devchain.produceBlock(3);
    expect(await traced(chain, extrinsic)).toMatchObject({
      kind: 'final',
      blockHash: found?.blockHash,
    });
    await expectSetOnce(live, extrinsic);
  });

  test('that loses the extrinsic makes it pending again, and sent again it comes', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    await chain.send(extrinsic);
    await devchain.produceBlock();
    expect(await traced(chain, extrinsic)).toMatchObject({ kind: 'included' });
    devchain.faults.reorg(1, 'drop');
    expect(await traced(chain, extrinsic)).toMatchObject({ kind: 'pending' });
    expect(await chain.send(extrinsic)).toEqual({ kind: 'sent' });
    await devchain.produceBlock(3);
    await expectSetOnce(live, extrinsic);
  });
});

test('while finality stands still an extrinsic stays included, even past its death', async () => {
  await using live = await liveSubtensor(PLAIN);
  const { chain, devchain } = live;
  const extrinsic = await signed(chain);
  await chain.send(extrinsic);
  devchain.faults.stallFinality();
  await devchain.produceBlock();
  for (let time = 0; time < 3; time += 1) {
    expect(await traced(chain, extrinsic)).toMatchObject({ kind: 'included', block: 6 });
    await devchain.produceBlock(30);
  }
  devchain.faults.resumeFinality();
  await expectSetOnce(live, extrinsic);
});

describe('a pool that refuses', () => {
  test.each([
    ['Custom error: 1', 'NotEnoughStakeToSetWeights', 'operator'],
    ['Custom error: 6', 'SettingWeightsTooFast', 'wait'],
    ['Custom error: 10', 'HotKeyNotRegisteredInSubNet', 'operator'],
    ['Custom error: 15', 'InvalidRevealRound', 'stale'],
    ['Custom error: 255', 'BadRequest', 'operator'],
    ['Transaction has a bad signature', 'BadSignature', 'stale'],
    ['Transaction has an ancient birth block', 'AncientBirthBlock', 'stale'],
    ['Inability to pay some fees (e.g. account balance too low)', 'InabilityToPayFees', 'operator'],
  ])('with %j is understood as %s', async (reason, name, errorClass) => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    devchain.faults.rejectNextSubmission(reason);
    expect(await chain.send(extrinsic)).toMatchObject({
      kind: 'refused',
      error: { name, class: errorClass },
    });
    // The refusal was the node's: the bytes are good.
    expect(await chain.send(extrinsic)).toEqual({ kind: 'sent' });
  });

  test.each([
    [1_012, 'TemporarilyBanned'],
    [1_016, 'PoolFull'],
    [1_011, 'UnknownValidity'],
  ])('with code %i is understood as %s', async (code, name) => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    devchain.faults.failCalls('author_submitExtrinsic', code, 'No');
    expect(await chain.send(extrinsic)).toMatchObject({
      kind: 'refused',
      error: { name, class: 'network' },
    });
  });

  test('because the runtime was upgraded after the signature asks for another one', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    devchain.faults.upgradeRuntime();
    await devchain.produceBlock(4);
    expect(await sent(chain, extrinsic)).toMatchObject({
      kind: 'refused',
      error: { name: 'BadSignature', class: 'stale' },
    });
    const again = await signed(chain);
    expect(await sent(chain, again)).toEqual({ kind: 'sent' });
    await devchain.produceBlock(3);
    await expectSetOnce(live, again);
  });
});

describe('a call that fails in its block', () => {
  test.each<[string, string, Partial<DevParams>]>([
    ['IncorrectWeightVersionKey', 'operator', { weightsVersionKey: 99n }],
    ['WeightVecLengthIsLow', 'bug', { minAllowedWeights: 3 }],
    ['CommitRevealEnabled', 'stale', { commitRevealEnabled: true }],
  ])('is final with the error of the pallet: %s', async (name, errorClass, params) => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    await chain.send(extrinsic);
    amend(devchain, params);
    await devchain.produceBlock(3);
    expect(await traced(chain, extrinsic)).toMatchObject({
      kind: 'final',
      block: 6,
      error: { name, class: errorClass, retryAt: null },
    });
    expect(await answered(() => chain.weightsOf(hotkey('a')))).toMatchObject({ vector: null });
  });

  test('is told apart from what else is in the block', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    await using other = openChain(devchain, 'b');
    const failing = await signed(chain);
    const passing = await signed(other, { kind: 'commitment', fields: ['eirel'] });
    for (const extrinsic of [passing, failing]) await chain.send(extrinsic);
    amend(devchain, { weightsVersionKey: 99n });
    await devchain.produceBlock(3);
    const name = 'IncorrectWeightVersionKey';
    expect(await traced(chain, failing)).toMatchObject({
      kind: 'final',
      block: 6,
      error: { name },
    });
    expect(await traced(other, passing)).toMatchObject({ kind: 'final', block: 6, error: null });
  });

  test('is unknown while the node does not tell its events', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    await chain.send(extrinsic);
    await devchain.produceBlock(3);
    devchain.faults.failCalls('state_getStorage', 4_003, 'Client error: Execution failed');
    expect(await chain.trace(extrinsic)).toMatchObject({ known: false, reason: 'unavailable' });
    devchain.faults.failCalls('state_getStorage', 0);
    await expectSetOnce(live, extrinsic);
  });

  test('is told by the metadata of the runtime that ran it, after an upgrade too', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    await chain.send(extrinsic);
    amend(devchain, { weightsVersionKey: 99n });
    await devchain.produceBlock();
    devchain.faults.upgradeRuntime();
    await devchain.produceBlock(4);
    expect(await traced(chain, extrinsic)).toMatchObject({
      kind: 'final',
      error: { name: 'IncorrectWeightVersionKey' },
    });
  });

  test('whose block the node has forgotten has no outcome that can be told', async () => {
    await using live = await liveSubtensor({ ...PLAIN, keepStates: 5 });
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    await chain.send(extrinsic);
    await devchain.produceBlock(20);
    expect(await traced(chain, extrinsic)).toMatchObject({
      kind: 'final',
      block: 6,
      error: { name: 'OutcomeUndetermined', class: 'stale' },
    });
  });
});

describe('a call that is not signed', () => {
  test('because it comes too soon names the block in which it may come', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    await chain.send(extrinsic);
    await devchain.produceBlock(3);
    const refusal = await signing(chain);
    expect(refusal).toMatchObject({
      kind: 'refused',
      error: { name: 'SettingWeightsTooFast', class: 'wait', retryAt: 6 + RATE_LIMIT },
    });
    await devchain.produceBlock(RATE_LIMIT - 1);
    const next = await signed(chain);
    expect(await chain.send(next)).toEqual({ kind: 'sent' });
    await devchain.produceBlock(3);
    expect(await traced(chain, next)).toMatchObject({ kind: 'final', error: null });
  });

  test('because there is no key, or no seat, says so', async () => {
    await using live = await liveSubtensor({ ...PLAIN, signer: null });
    expect(await signing(live.chain)).toMatchObject({ error: { name: 'SigningKeyMissing' } });
    await using stranger = openChain(live.devchain, 'stranger');
    expect(await signing(stranger)).toMatchObject({
      error: { name: 'HotKeyNotRegisteredInSubNet', class: 'operator' },
    });
  });
});

describe('under commit-reveal', () => {
  test('weights are committed under a time lock, and the chain reveals them', async () => {
    await using live = await liveSubtensor();
    const { chain, devchain } = live;
    const extrinsic = await signed(chain);
    expect(extrinsic).toMatchObject({
      call: 'SubtensorModule.commit_timelocked_mechanism_weights',
      birth: 3,
      // The least era, for no longer one ends before block 12, which runs the epoch.
      death: 10,
      // Block 4 is in epoch 4 of 10 blocks, and epoch 5 begins where (block + 37) / 10 = 5.
      reveal: { block: 13 },
    });
    await chain.send(extrinsic);
    await devchain.produceBlock(3);
    expect(await traced(chain, extrinsic)).toMatchObject({ kind: 'final', block: 6, error: null });
    expect(await answered(() => chain.weightsOf(hotkey('a')))).toMatchObject({
      vector: null,
      lastUpdate: 6,
    });
    // The round is that of the third block after the first one that may reveal it.
    await devchain.produceBlock(13 + 3 - 1 + 2 - 8);
    expect(await answered(() => chain.weightsOf(hotkey('a')))).toMatchObject({ vector: null });
    await devchain.produceBlock(1);
    expect(await answered(() => chain.weightsOf(hotkey('a')))).toMatchObject({
      block: 16,
      vector: row,
      lastUpdate: 6,
    });
    expect(timesIncluded(devchain)).toBe(1);
  });

  test('two commits of the same weights have nothing in common', async () => {
    await using live = await liveSubtensor();
    const { chain } = live;
    const [first, second] = [await signed(chain), await signed(chain)];
    const ciphertext = ({ bytes }: Extrinsic) => bytes.slice(-300, -40);
    expect(ciphertext(first)).not.toBe(ciphertext(second));
  });

  /** Epochs of 100 blocks; commits count for the next one from the block on that runs it. */
  const LONGER = { hyperparameters: { tempo: 99 } };
  const END = 162;

  async function finalize(devchain: Devchain, block: number): Promise<void> {
    await devchain.produceBlock(block - devchain.heads().finalized.number);
  }

  test('a commit that does not come into its epoch is dead before the next one could take it', async () => {
    await using live = await liveSubtensor(LONGER);
    const { chain, devchain } = live;
    await finalize(devchain, END - 8);
    const extrinsic = await signed(chain);
    expect(extrinsic).toMatchObject({ birth: END - 8, death: END - 1, reveal: { block: END + 1 } });
    devchain.faults.holdExtrinsics(END - 1 - devchain.heads().best.number);
    await chain.send(extrinsic);
    await finalize(devchain, END + 1);
    expect(await traced(chain, extrinsic)).toMatchObject({ kind: 'dead', reason: 'expired' });
    expect(timesIncluded(devchain)).toBe(0);
  });

  test('at the end of an epoch none is signed, and the next one takes and reveals it as foreseen', async () => {
    await using live = await liveSubtensor({ ...LONGER, keepStates: 400 });
    const { chain, devchain } = live;
    await finalize(devchain, END - 7);
    expect(await signing(chain)).toMatchObject({
      kind: 'refused',
      error: { name: 'EpochEnding', class: 'wait', retryAt: END },
    });
    await finalize(devchain, END);
    const extrinsic = await signed(chain);
    expect(extrinsic).toMatchObject({ death: END + 31, reveal: { block: END + 101 } });
    await chain.send(extrinsic);
    await finalize(devchain, END + 101 + 2);
    expect(await answered(() => chain.weightsOf(hotkey('a')))).toMatchObject({ vector: null });
    await finalize(devchain, END + 101 + 3);
    expect(await answered(() => chain.weightsOf(hotkey('a')))).toMatchObject({ vector: row });
  });
});

/** What may happen to an extrinsic and to the node, in any order. */
const anyMishap = fc.oneof(
  { arbitrary: fc.constant('send' as const), weight: 4 },
  { arbitrary: fc.integer({ min: 1, max: 4 }), weight: 4 },
  fc.constantFrom(
    'drop connections',
    'lose the answer',
    'lose the call',
    'restart the node',
    'restart the process',
    'reorg',
    'reorg and lose',
    'stall finality',
    'resume finality',
  ),
);
type Mishap = typeof anyMishap extends fc.Arbitrary<infer T> ? T : never;

function befall(devchain: Devchain, mishap: Exclude<Mishap, 'send' | 'restart the process'>) {
  const { faults } = devchain;
  const { best, finalized } = devchain.heads();
  const depth = Math.min(2, best.number - finalized.number);
  switch (mishap) {
    case 'drop connections':
      return faults.dropConnections();
    case 'lose the answer':
      return faults.dropOnCall('author_submitExtrinsic', 'before-answer');
    case 'lose the call':
      return faults.dropOnCall('author_submitExtrinsic', 'before-call');
    case 'restart the node':
      return faults.restart();
    case 'reorg':
      return faults.reorg(depth);
    case 'reorg and lose':
      return faults.reorg(depth, 'drop');
    case 'stall finality':
      return faults.stallFinality();
    case 'resume finality':
      return faults.resumeFinality();
    default:
      return devchain.produceBlock(mishap);
  }
}

test('whatever happens, an extrinsic is final once or dead for good, and what was final stays so', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyMishap, { minLength: 5, maxLength: 25 }), async (mishaps) => {
      await using live = await liveSubtensor(PLAIN);
      const { devchain } = live;
      let { chain } = live;
      const extrinsic = await signed(chain);
      let settled = false;
      for (const mishap of mishaps) {
        if (mishap === 'send') await chain.send(extrinsic);
        else if (mishap === 'restart the process') {
          await chain[Symbol.asyncDispose]();
          chain = openChain(devchain);
        } else await befall(devchain, mishap);
        const { kind } = await traced(chain, extrinsic);
        const found = devchain.findExtrinsic(extrinsic.hash);
        expect(kind === 'final').toBe(found?.finalized === true);
        expect(kind === 'included').toBe(found?.finalized === false);
        expect(kind).not.toBe('dead');
        if (settled) expect(kind).toBe('final');
        settled = kind === 'final';
      }
      devchain.faults.reset();
      await devchain.produceBlock(extrinsic.death);
      const end = await traced(chain, extrinsic);
      expect(end.kind).toBe(devchain.findExtrinsic(extrinsic.hash) === null ? 'dead' : 'final');
      expect(timesIncluded(devchain)).toBe(end.kind === 'final' ? 1 : 0);
      await chain[Symbol.asyncDispose]();
    }),
    { numRuns: 15 },
  );
});
