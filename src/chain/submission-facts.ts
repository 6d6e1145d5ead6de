import type { ApiPromise } from '@polkadot/api/cjs/index';
import { z } from 'zod';
import { Block, Ss58 } from '../events/scalars.ts';
import type { Known } from './chain.ts';
import { parseAnswer, U16, Unsigned } from './decode.ts';
import { known, malformed } from './known.ts';
import { type At, readStorage } from './reads.ts';
import type { EpochSchedule } from './reveal-schedule.ts';
import { readSelected, Selected } from './selective-metagraph.ts';
import { readSpecVersion } from './state-api.ts';
import { Rules, ruleItems, storedEpoch } from './submission-rules.ts';
import { readUnrevealed } from './unrevealed-commits.ts';

/** The subnet, the hotkey that signs, and the version key that its weights carry. */
export type Own = Readonly<{ netuid: number; hotkey: string; versionKey: bigint }>;

/** What decides whether the chain takes a call of one hotkey, all of it at one block. */
export type SubmissionFacts = Readonly<{
  block: number;
  /** 64 hex digits. */
  blockHash: string;
  /** The chain's own time at that block, in milliseconds. */
  timestampMs: number;
  /** The runtime that ran the block: the one that the connection's metadata describes. */
  specVersion: number;
  /** Neurons of the subnet: uids are below it. */
  uidCount: number;
  /** The hotkey's own place; null when it is not registered. */
  neuron: Readonly<{
    uid: number;
    permit: boolean;
    /** The runtime's own total stake in rao. */
    stake: bigint;
    /** Block of its last weights or weight commit; 0 before the first. */
    lastUpdate: number;
    registeredAt: number;
    /** The subnet's owner, exempt from the stake threshold and the permit. */
    owner: boolean;
  }> | null;
  /** Total stake in rao from which a hotkey may set weights. */
  stakeThreshold: bigint;
  minAllowedWeights: number;
  /** Weights carry a version key that is not below this one; 0 asks for none. */
  weightsVersion: bigint;
  /** Blocks between two updates of one hotkey's weights. */
  weightsRateLimit: number;
  commitReveal: Readonly<{
    enabled: boolean;
    /** The only `commit_reveal_version` that the chain takes. */
    version: number;
    /** Epochs from commit to reveal. */
    period: number;
    /** Timelocked commits of this hotkey that wait for their reveal, of the epoch that block + 1 belongs to. */
    unrevealed: number;
  }>;
  /** Blocks of an epoch; 0 when the subnet runs none. */
  tempo: number;
  /** The schedule of epochs where the chain stores it (spec 423 and later); null where it follows from the block number. */
  epoch: EpochSchedule['epoch'];
  drand: Readonly<{
    lastStoredRound: number;
    /** The beacon's public key in G2: 192 hex digits. */
    publicKey: string;
    /** Seconds since 1970. */
    genesisTime: number;
    /** Seconds between two rounds. */
    period: number;
  }>;
  /** Bytes of commitments: what an epoch allows, and what this hotkey used in which epoch. */
  space: Readonly<{ max: number; used: number; usedInEpoch: number }>;
}>;

/**
 * Everything that decides at one finalised block whether the chain takes a call of this hotkey: one runtime
 * call, two storage queries and the version of the runtime. 'empty' when the chain has no such subnet,
 * 'malformed' when an answer is not what the metadata describes, 'unavailable' when the node does not
 * have this block's state or its runtime is not the one that the connection knows; transport errors are thrown.
 */
export async function readSubmissionFacts(
  api: ApiPromise,
  { netuid, hotkey, ...at }: At & { readonly netuid: number; readonly hotkey: string },
): Promise<Known<SubmissionFacts>> {
  const [version, subnet, stored] = await Promise.all([
    readSpecVersion(at, { api }),
    readSelected(Subnet, { netuid, ...at }, { api }),
    readStorage(ruleItems(netuid, hotkey), at, { api }),
  ]);
  if (!version.known) return version;
  if (!subnet.known) return subnet;
  if (!stored.known) return stored;
  const rules = parseAnswer(Rules, stored.value, 'storage');
  if (!rules.known) return rules;
  const neuron = neuronOf(subnet.value, { hotkey, uid: rules.value.uid });
  if (!neuron.known) return neuron;
  const epoch = storedEpoch(rules.value);
  const { tempo } = rules.value;
  const schedule = { block: at.block, netuid, tempo, epoch };
  const unrevealed = await readUnrevealed(hotkey, schedule, at, { api });
  if (!unrevealed.known) return unrevealed;
  return known({
    ...at,
    timestampMs: rules.value.timestampMs,
    specVersion: version.value,
    uidCount: subnet.value.numUids,
    neuron: neuron.value,
    stakeThreshold: rules.value.stakeThreshold,
    minAllowedWeights: rules.value.minAllowedWeights,
    weightsVersion: rules.value.weightsVersion,
    weightsRateLimit: rules.value.weightsRateLimit,
    commitReveal: {
      enabled: rules.value.commitRevealEnabled,
      version: rules.value.commitRevealVersion,
      period: rules.value.revealPeriod,
      unrevealed: unrevealed.value,
    },
    tempo,
    epoch,
    drand: { lastStoredRound: rules.value.lastStoredRound, ...rules.value.beacon },
    space: { max: rules.value.maxSpace, ...rules.value.usedSpace },
  });
}

/** Of the metagraph, for the runtime computes stake and stores it nowhere. */
const Subnet = Selected.extend({
  ownerHotkey: Ss58,
  numUids: U16,
  validatorPermit: z.array(z.boolean()),
  lastUpdate: z.array(Block),
  blockAtRegistration: z.array(Block),
  totalStake: z.array(Unsigned),
});

/** The hotkey's place in the columns; null when it has no uid. */
function neuronOf(
  subnet: z.infer<typeof Subnet>,
  { hotkey, uid }: { readonly hotkey: string; readonly uid: number | null },
): Known<SubmissionFacts['neuron']> {
  if (uid === null) return known(null);
  const permit = subnet.validatorPermit[uid];
  const stake = subnet.totalStake[uid];
  const lastUpdate = subnet.lastUpdate[uid];
  const registeredAt = subnet.blockAtRegistration[uid];
  if (
    permit === undefined ||
    stake === undefined ||
    lastUpdate === undefined ||
    registeredAt === undefined
  ) {
    return malformed(`metagraph: no entry for uid ${uid} of ${hotkey}`);
  }
  const owner = hotkey === subnet.ownerHotkey;
  return known({ uid, permit, stake, lastUpdate, registeredAt, owner });
}
