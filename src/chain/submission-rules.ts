import { z } from 'zod';
import { Block } from '../events/scalars.ts';
import { Blocks, U16, Unsigned } from './decode.ts';
import type { StorageItem } from './reads.ts';
import type { EpochSchedule } from './reveal-schedule.ts';

/** The storage that the chain's checks of a call read, of one subnet and hotkey. */
export function ruleItems(netuid: number, hotkey: string): Readonly<Record<string, StorageItem>> {
  return {
    timestampMs: ['timestamp', 'now'],
    uid: ['subtensorModule', 'uids', netuid, hotkey],
    stakeThreshold: ['subtensorModule', 'stakeThreshold'],
    minAllowedWeights: ['subtensorModule', 'minAllowedWeights', netuid],
    weightsVersion: ['subtensorModule', 'weightsVersionKey', netuid],
    weightsRateLimit: ['subtensorModule', 'weightsSetRateLimit', netuid],
    commitRevealEnabled: ['subtensorModule', 'commitRevealWeightsEnabled', netuid],
    commitRevealVersion: ['subtensorModule', 'commitRevealWeightsVersion'],
    revealPeriod: ['subtensorModule', 'revealPeriodEpochs', netuid],
    tempo: ['subtensorModule', 'tempo', netuid],
    blocksSinceLastStep: ['subtensorModule', 'blocksSinceLastStep', netuid],
    // The next three came with spec 423, which stores the schedule of epochs.
    subnetEpochIndex: ['subtensorModule', 'subnetEpochIndex', netuid],
    lastEpochBlock: ['subtensorModule', 'lastEpochBlock', netuid],
    pendingEpochAt: ['subtensorModule', 'pendingEpochAt', netuid],
    lastStoredRound: ['drand', 'lastStoredRound'],
    beacon: ['drand', 'beaconConfig'],
    maxSpace: ['commitments', 'maxSpace'],
    usedSpace: ['commitments', 'usedSpaceOf', netuid, hotkey],
  };
}

/** What stands under those items; a schedule of epochs only where the chain stores one. */
export const Rules = z.object({
  timestampMs: z.int().min(1),
  uid: U16.nullable(),
  stakeThreshold: Unsigned,
  minAllowedWeights: U16,
  weightsVersion: Unsigned,
  weightsRateLimit: Blocks,
  commitRevealEnabled: z.boolean(),
  commitRevealVersion: U16,
  revealPeriod: Blocks,
  tempo: U16,
  blocksSinceLastStep: Block,
  subnetEpochIndex: Block.optional(),
  lastEpochBlock: Block.optional(),
  pendingEpochAt: Block.optional(),
  lastStoredRound: Block,
  beacon: z
    .object({
      publicKey: z.string().regex(/^0x[0-9a-f]{192}$/, 'a key of 96 bytes'),
      genesisTime: z.int().min(0),
      period: z.int().min(1),
    })
    .transform(({ publicKey, ...schedule }) => ({ publicKey: publicKey.slice(2), ...schedule })),
  maxSpace: z.int().min(0),
  /** A hotkey that never committed used nothing. */
  usedSpace: z
    .object({ lastEpoch: Block, usedSpace: Block })
    .nullable()
    .transform((tracker) => ({
      used: tracker?.usedSpace ?? 0,
      usedInEpoch: tracker?.lastEpoch ?? 0,
    })),
});

/** The stored schedule of epochs, or null where the metadata describes none. */
export function storedEpoch(rules: z.infer<typeof Rules>): EpochSchedule['epoch'] {
  const { subnetEpochIndex, lastEpochBlock, pendingEpochAt, blocksSinceLastStep } = rules;
  if (
    subnetEpochIndex === undefined ||
    lastEpochBlock === undefined ||
    pendingEpochAt === undefined
  ) {
    return null;
  }
  return {
    index: subnetEpochIndex,
    lastBlock: lastEpochBlock,
    pendingAt: pendingEpochAt,
    blocksSinceLastStep,
  };
}
