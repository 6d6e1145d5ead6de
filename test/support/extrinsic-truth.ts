import { expect } from 'vitest';
import { z } from 'zod';
import type { Purpose, Settlement } from '#src/events/extrinsic.ts';
import { devSigner } from './dev-keys.ts';
import { mostLiving } from './extrinsic-log.ts';
import { type LiveValidator, PAYS_WINNER, SELF, SELF_UID } from './live-validator.ts';
import { connectRpc } from './rpc-client.ts';
import { recordedOf } from './simulated-run.ts';

/** After the longest life of an extrinsic and the lag of finality nothing that is signed can come any more. */
const AFTERLIFE_BLOCKS = 70;

/** What the log tells of a purpose's attempts, in its order: `1 signed`, `1 included`, `1 succeeded`. */
export async function storyOf({ node }: LiveValidator, purpose: Purpose) {
  const told: string[] = [];
  for (const { event } of await node.events()) {
    if (!('purpose' in event.data) || event.data.purpose !== purpose) continue;
    const { attempt } = event.data;
    if (event.type === 'extrinsic.signed.v1') told.push(`${attempt} signed`);
    if (event.type === 'extrinsic.included.v1') told.push(`${attempt} included`);
    if (event.type !== 'extrinsic.settled.v1') continue;
    const { outcome, error } = event.data;
    told.push(error === null ? `${attempt} ${outcome}` : `${attempt} ${outcome}: ${error}`);
  }
  return told;
}

/**
 * Lets everything that is signed die, then compares each word of the log about extrinsics and weights with
 * the chain: run 1 is committed to once, its weights were set `sets` times and stand there, and the hotkey
 * has no extrinsic on the chain that the log does not tell of, but `foreign` ones.
 */
export async function expectTruth(
  live: LiveValidator,
  { sets = 1, foreign = 0 }: { sets?: number; foreign?: number } = {},
): Promise<void> {
  const { devchain, node } = live;
  devchain.faults.reset();
  await devchain.produceBlock(AFTERLIFE_BLOCKS);
  const signed = await recordedOf(node, 'extrinsic.signed.v1', 1);
  const settled = await recordedOf(node, 'extrinsic.settled.v1', 1);
  const { nonces } = devchain.stateAt('finalized');
  for (const { hash, purpose, attempt, nonce, birth, death } of signed) {
    const end = settled.find((each) => each.hash === hash);
    const name = `${purpose} ${attempt}`;
    expect(end, name).toMatchObject({ purpose, attempt });
    if (end === undefined) continue;
    expect(
      { outcome: end.outcome, block: end.block, blockHash: end.blockHash, error: end.error },
      name,
    ).toEqual(chainsWord(live, hash) ?? { outcome: expect.stringMatching(NEVER_CAME), ...at(end) });
    if (end.error === 'Expired') expect(end.block, name).toBeGreaterThanOrEqual(death);
    if (end.error === 'RuntimeUpgraded')
      expect(await specAt(live, end.block), name).toBeGreaterThan(await specAt(live, birth));
    if (end.outcome === 'usurped')
      expect(devchain.stateAt(end.block).nonces.get(hotkey), name).toBeGreaterThan(nonce);
  }
  for (const { hash, blockHash } of await recordedOf(node, 'extrinsic.included.v1', 1))
    expect(live.places.get(hash), 'blocks that held it').toContain(blockHash);
  expect(mostLiving(await node.events())).toBeLessThanOrEqual(1);

  const included = signed.filter(({ hash }) => devchain.findExtrinsic(hash) !== null);
  expect(nonces.get(hotkey), 'extrinsics of the hotkey').toBe(included.length + foreign);
  expect(await effectsOf(live)).toEqual({ commitments: 1, sets });
  await expectWeights(live);
}

const { hotkey } = devSigner(SELF);

const NEVER_CAME = /^(rejected|expired|usurped)$/ satisfies RegExp;

type End = Readonly<{
  outcome: Settlement;
  block: number;
  blockHash: string | null;
  error: string | null;
}>;

/** What is only the log's to say of an extrinsic that never came: when it was given up, and why. */
function at({ block, error }: End) {
  return { block, blockHash: null, error };
}

/** The chain's own word on how an extrinsic ended; null when it is in no block. */
function chainsWord({ devchain }: LiveValidator, hash: string): End | null {
  const found = devchain.findExtrinsic(hash);
  if (found === null) return null;
  expect(found.finalized).toBe(true);
  const { block, blockHash, error } = found;
  return {
    outcome: error === null ? 'succeeded' : 'failed',
    block,
    blockHash,
    error: error?.name ?? null,
  };
}

async function specAt({ devchain }: LiveValidator, block: number): Promise<number> {
  await using rpc = await connectRpc(devchain.url);
  const hash = await rpc.call('chain_getBlockHash', block);
  const version = await rpc.call('state_getRuntimeVersion', hash?.result);
  return z.object({ specVersion: z.int() }).parse(version?.result).specVersion;
}

/** What extrinsics of the hotkey did, counted in the events of every block. */
async function effectsOf({ devchain }: LiveValidator) {
  await using rpc = await connectRpc(devchain.url);
  const effects = { commitments: 0, sets: 0 };
  for (let number = 1; number <= devchain.heads().best.number; number += 1) {
    const answer = await rpc.call('chain_getBlockHash', number);
    for (const each of devchain.eventsOf(String(answer?.result).slice(2))) {
      if (each.extrinsic === null) continue;
      if (each.event === 'Commitments.Commitment' && each.hotkey === hotkey)
        effects.commitments += 1;
      if (each.event === 'SubtensorModule.WeightsSet' && each.uid === SELF_UID) effects.sets += 1;
      if (each.event === 'SubtensorModule.TimelockedWeightsCommitted' && each.hotkey === hotkey)
        effects.sets += 1;
    }
  }
  return effects;
}

/** The intended vector stands on the chain, the log says so last, and was right whenever it looked. */
async function expectWeights({ devchain, node }: LiveValidator): Promise<void> {
  const rowAt = (block: number | 'finalized') =>
    devchain
      .stateAt(block)
      .weights.get(SELF_UID)
      ?.map(([uid, weight]) => ({ uid, weight })) ?? null;
  const intended = (await recordedOf(node, 'weights.intended.v1', 1)).map(({ vector }) => vector);
  expect(intended).toEqual([PAYS_WINNER]);
  expect(rowAt('finalized')).toEqual(PAYS_WINNER);
  const observed = await recordedOf(node, 'weights.observed.v1', 1);
  for (const { block, vector, matches } of observed) {
    expect(vector).toEqual(rowAt(block));
    expect(matches).toBe(JSON.stringify(rowAt(block)) === JSON.stringify(PAYS_WINNER));
  }
  expect(observed.at(-1)).toMatchObject({ matches: true });
}
