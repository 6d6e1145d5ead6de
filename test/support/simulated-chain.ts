import type { Chain, Known, Metagraph, Neuron } from '#src/chain/chain.ts';
import { sha256 } from '#src/events/hash.ts';
import type { UnknownReason } from '#src/events/snapshot.ts';
import type { Vector } from '#src/events/weights.ts';
import { devSigner } from './dev-keys.ts';

/** What a metagraph answers instead of the truth. */
export type Fault =
  | { readonly kind: 'unavailable' }
  | { readonly kind: 'neurons'; readonly neurons: readonly Neuron[] };

/** A chain in memory: blocks move when the test says so, and its answers can go wrong. */
export function simulatedChain(neurons: readonly Neuron[]) {
  const weights = new Map<string, Vector>();
  const state = {
    block: 0,
    neurons,
    /** What everybody is answered. */
    fault: null as Fault | null,
    /** What one node, by name, is answered: its own endpoint is broken. */
    faultOf: new Map<string, Fault>(),
    /** The head itself is not answered. */
    silent: false,
    /** Why weights are refused, while they are. */
    refusal: null as string | null,
    weights,
    setCalls: 0,
  };
  const unknown = (reason: UnknownReason): Known<never> => ({
    known: false,
    reason,
    detail: 'simulated',
  });
  /** The chain as the endpoint of the named node shows it. */
  const viewOf = (name: string): Chain => ({
    netuid: 36,
    genesis: sha256('simulated genesis'),
    finalizedBlock: () =>
      Promise.resolve(state.silent ? unknown('unavailable') : { known: true, value: state.block }),
    metagraph: (block): Promise<Known<Metagraph>> => {
      const fault = state.faultOf.get(name) ?? state.fault;
      if (state.silent || fault?.kind === 'unavailable')
        return Promise.resolve(unknown('unavailable'));
      if (block > state.block) return Promise.resolve(unknown('not-final'));
      const value = {
        block,
        blockHash: sha256(`block ${block}`),
        neurons: fault?.neurons ?? state.neurons,
      };
      return Promise.resolve({ known: true, value });
    },
    setWeights: (hotkey, vector) => {
      state.setCalls++;
      if (state.refusal !== null)
        return Promise.resolve({ kind: 'refused', reason: state.refusal });
      weights.set(hotkey, vector);
      return Promise.resolve({
        kind: 'accepted',
        block: state.block,
        receipt: `block ${state.block}`,
      });
    },
    weightsOf: (hotkey) => Promise.resolve({ known: true, value: weights.get(hotkey) ?? null }),
  });
  return { state, viewOf };
}

export type SimulatedChain = ReturnType<typeof simulatedChain>;

/** Neurons for validators with the given stakes, then miners, with keys derived from their names. */
export function neuronsFor(
  stakes: Readonly<Record<string, bigint>>,
  miners: readonly string[],
): readonly Neuron[] {
  const base = { active: true, registeredAt: 10, incentive: 0 };
  const burn: Neuron = {
    ...base,
    uid: 0,
    hotkey: devSigner('owner').hotkey,
    coldkey: devSigner('cold owner').hotkey,
    stake: 0n,
    permit: false,
    axon: null,
  };
  const validators = Object.entries(stakes).map(
    ([name, stake], index): Neuron => ({
      ...base,
      uid: index + 1,
      hotkey: devSigner(name).hotkey,
      coldkey: devSigner(`cold ${name}`).hotkey,
      stake,
      permit: true,
      axon: `http://${name}.test`,
    }),
  );
  const offset = validators.length + 1;
  return [
    burn,
    ...validators,
    ...miners.map(
      (name, index): Neuron => ({
        ...base,
        uid: offset + index,
        hotkey: devSigner(name).hotkey,
        coldkey: devSigner(`cold ${name}`).hotkey,
        stake: 0n,
        permit: false,
        axon: null,
      }),
    ),
  ];
}
