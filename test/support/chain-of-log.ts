import type { ChainView } from '#src/audit/chain-facts.ts';
import type { ChainSlot } from '#src/consensus/commitment-reads.ts';
import type { SeenMetagraph, SeenNeuron } from '#src/consensus/snapshot.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import type { Snapshot } from '#src/events/snapshot.ts';
import { devSigner } from './dev-keys.ts';
import { rewritten } from './rewritten-log.ts';

/** A chain that is as a log's snapshots and reads of commitments say, and has the state of no other block. */
export function chainOfLog(payloads: readonly Uint8Array[]): ChainView {
  const events: DomainEvent[] = [];
  rewritten(payloads, (event) => {
    events.push(event);
    return [];
  });
  const metagraphs = new Map(
    events
      .filter((event) => event.type === 'snapshot.taken.v1')
      .map(({ data: { snapshot } }) => [snapshot.block, metagraphOf(snapshot)]),
  );
  const slots = events
    .filter((event) => event.type === 'commitments.read.v1')
    .flatMap(({ data: { run, found } }) =>
      found.map(({ hotkey, first }): ChainSlot => {
        const fields = [`eirel/scores/v1:${run}:${first.digest}`];
        return { hotkey, block: first.block, fields };
      }),
    );
  return {
    metagraph: async (block) => {
      const value = metagraphs.get(block);
      const detail = `no state of block ${block}`;
      return value === undefined ? { known: false, detail } : { known: true, value };
    },
    commitments: async (hotkeys, { after, upTo }) => ({
      known: true,
      value: slots.filter(
        ({ hotkey, block }) => hotkeys.includes(hotkey) && block > after && block <= upTo,
      ),
    }),
  };
}

function metagraphOf({ block, blockHash, voters, miners }: Snapshot): SeenMetagraph {
  const plain = { permit: false, active: true, registeredAt: 1, incentive: 0, axon: null };
  const neurons: SeenNeuron[] = [
    { ...plain, uid: 0, hotkey: devSigner('burn').hotkey, coldkey: COLD, stake: 0n },
    ...miners.map((seat) => ({ ...plain, ...seat, coldkey: COLD, stake: 0n })),
    ...voters.map((voter) => ({ ...plain, ...voter, stake: BigInt(voter.stake), permit: true })),
  ];
  return { block, blockHash, neurons, hyperparameters: { stakeThreshold: 0n } };
}

const COLD = devSigner('cold').hotkey;
