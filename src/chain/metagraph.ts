import type { ApiPromise } from '@polkadot/api/cjs/index';
import { z } from 'zod';
import { Block, Ss58 } from '../events/scalars.ts';
import { ActivityCutoff, activityCutoffItems } from './activity-cutoff.ts';
import { AxonInfo, axonUrl } from './axon.ts';
import type { Known, Metagraph, Neuron } from './chain.ts';
import { Blocks, parseAnswer, U16, Unsigned } from './decode.ts';
import { empty, known, malformed } from './known.ts';
import { type At, readStorage } from './reads.ts';
import { fieldsOf, readSelected, Selected } from './selective-metagraph.ts';
import { readStateApi } from './state-api.ts';

/**
 * The whole subnet as of one finalised block: one runtime call, and one storage query for what the call does
 * not tell. 'empty' when the chain has no such subnet or no neuron in it, 'malformed' when the answer is
 * not what the metadata describes or contradicts itself, 'unavailable' when the node does not have this
 * block's state, or the block upgrades the runtime; transport errors are thrown.
 */
export async function readMetagraph(
  connected: ApiPromise,
  { netuid, ...at }: At & { readonly netuid: number },
): Promise<Known<Metagraph>> {
  const state = await readStateApi(at, { api: connected });
  if (!state.known) return state;
  const api = state.value;
  const [answer, stored] = await Promise.all([
    readSelected(Answer, { netuid, ...at }, { api }),
    readStorage(
      { stakeThreshold: ['subtensorModule', 'stakeThreshold'], ...activityCutoffItems(netuid) },
      at,
      { api },
    ),
  ]);
  if (!answer.known) return answer;
  if (!stored.known) return stored;
  const rest = parseAnswer(Rest, stored.value, 'storage');
  if (!rest.known) return rest;
  const cutoff = parseAnswer(ActivityCutoff, stored.value, 'storage');
  if (!cutoff.known) return cutoff;
  const fault = contradiction(answer.value);
  if (fault !== null) return malformed(`metagraph: ${fault}`);
  if (answer.value.numUids === 0)
    return empty(`subnet ${netuid} has no neuron at block ${at.block}`);
  const rows = parseAnswer(z.array(Row), rowsOf(answer.value), 'metagraph, by uid');
  if (!rows.known) return rows;

  return known({
    ...at,
    neurons: rows.value.map((row, uid) =>
      neuronOf(row, { uid, block: at.block, cutoff: cutoff.value }),
    ),
    ownerHotkey: answer.value.ownerHotkey === NO_ACCOUNT ? null : answer.value.ownerHotkey,
    hyperparameters: {
      tempo: answer.value.tempo,
      kappa: answer.value.kappa,
      minAllowedWeights: answer.value.minAllowedWeights,
      weightsVersion: answer.value.weightsVersion,
      weightsRateLimit: answer.value.weightsRateLimit,
      activityCutoff: cutoff.value,
      maxValidators: answer.value.maxValidators,
      commitReveal: answer.value.commitRevealWeightsEnabled,
      revealPeriod: answer.value.commitRevealPeriod,
      stakeThreshold: rest.value.stakeThreshold,
    },
  });
}

const Column = z.array(z.unknown());

const Answer = Selected.extend({
  ownerHotkey: Ss58,
  tempo: U16,
  kappa: U16,
  minAllowedWeights: U16,
  weightsVersion: Unsigned,
  weightsRateLimit: Blocks,
  maxValidators: U16,
  numUids: U16,
  commitRevealWeightsEnabled: z.boolean(),
  commitRevealPeriod: Blocks,
  hotkeys: Column,
  coldkeys: Column,
  axons: Column,
  active: Column,
  validatorPermit: Column,
  lastUpdate: Column,
  incentives: Column,
  blockAtRegistration: Column,
  totalStake: Column,
});
type Answer = z.infer<typeof Answer>;

/** What is asked for. */
export const FIELDS = fieldsOf(Answer);

/** One neuron, under the names of the columns. */
const Row = z.object({
  hotkeys: Ss58,
  coldkeys: Ss58,
  axons: AxonInfo,
  active: z.boolean(),
  validatorPermit: z.boolean(),
  lastUpdate: Block,
  incentives: U16,
  blockAtRegistration: Block,
  totalStake: Unsigned,
});

const Rest = z.object({ stakeThreshold: Unsigned });

/** The address of 32 zero bytes: what storage gives where no account was ever set. */
const NO_ACCOUNT = '5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM';

/** What makes an answer of the right layout unusable, or null. */
function contradiction(answer: Answer): string | null {
  const { numUids } = answer;
  for (const [name, value] of Object.entries(answer)) {
    if (Array.isArray(value) && value.length !== numUids) {
      return `${name} has ${value.length} entries for ${numUids} neurons`;
    }
  }
  return new Set(answer.hotkeys).size === numUids ? null : 'a hotkey has two uids';
}

/** The columns turned into rows: entry `uid` of each. */
function rowsOf(answer: Answer): readonly unknown[] {
  return answer.hotkeys.map((hotkeys, uid) => ({
    hotkeys,
    coldkeys: answer.coldkeys[uid],
    axons: answer.axons[uid],
    active: answer.active[uid],
    validatorPermit: answer.validatorPermit[uid],
    lastUpdate: answer.lastUpdate[uid],
    incentives: answer.incentives[uid],
    blockAtRegistration: answer.blockAtRegistration[uid],
    totalStake: answer.totalStake[uid],
  }));
}

function neuronOf(
  row: z.infer<typeof Row>,
  { uid, block, cutoff }: Readonly<{ uid: number; block: number; cutoff: number }>,
): Neuron {
  return {
    uid,
    hotkey: row.hotkeys,
    coldkey: row.coldkeys,
    stake: row.totalStake,
    permit: row.validatorPermit,
    // The flag is of the last epoch; what happened since follows from the last update.
    active: row.active && row.lastUpdate + cutoff >= block,
    registeredAt: row.blockAtRegistration,
    lastUpdate: row.lastUpdate,
    incentive: row.incentives,
    axon: axonUrl(row.axons),
  };
}
