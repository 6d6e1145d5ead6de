import type { Chain, Known, Metagraph, Neuron } from '#src/chain/chain.ts';
import { sha256 } from '#src/events/hash.ts';
import type { UnknownReason } from '#src/events/snapshot.ts';
import type { Vector } from '#src/events/weights.ts';

/** A chain in memory: blocks move when the test says so, and its answers can go wrong. */
export function simulatedChain(neurons: readonly Neuron[]) {
  const weights = new Map<string, Vector>();
  const state = {
    block: 0,
    neurons,
    /** What the metagraph answers instead of the truth. */
    fault: null as null | { kind: 'unavailable' } | { kind: 'neurons'; neurons: readonly Neuron[] },
    /** The head itself is not answered. */
    silent: false,
    weights,
    setCalls: 0,
  };
  const unknown = (reason: UnknownReason): Known<never> => ({
    known: false,
    reason,
    detail: 'simulated',
  });
  const chain: Chain = {
    netuid: 36,
    genesis: sha256('simulated genesis'),
    finalizedBlock: () =>
      Promise.resolve(state.silent ? unknown('unavailable') : { known: true, value: state.block }),
    metagraph: (block): Promise<Known<Metagraph>> => {
      if (state.silent || state.fault?.kind === 'unavailable')
        return Promise.resolve(unknown('unavailable'));
      if (block > state.block) return Promise.resolve(unknown('not-final'));
      const answer = state.fault?.kind === 'neurons' ? state.fault.neurons : state.neurons;
      return Promise.resolve({
        known: true,
        value: { block, blockHash: sha256(`block ${block}`), neurons: answer },
      });
    },
    setWeights: (hotkey, vector) => {
      state.setCalls++;
      weights.set(hotkey, vector);
      return Promise.resolve({
        kind: 'accepted',
        block: state.block,
        receipt: `block ${state.block}`,
      });
    },
    weightsOf: (hotkey) => Promise.resolve({ known: true, value: weights.get(hotkey) ?? null }),
  };
  return { state, chain };
}

export type SimulatedChain = ReturnType<typeof simulatedChain>;
