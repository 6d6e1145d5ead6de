import type { DevNeuron, DevParams, DevState } from './state.ts';

/** The storage index has room for this many netuids below each mechanism. */
const NETUIDS = 4_096;

/** The index under which the pallet keeps what a mechanism has of its own. */
export function storageIndex(netuid: number, mecid: number): number {
  return mecid * NETUIDS + netuid;
}

/** Whether a call means the one mechanism of the one subnet that there is. */
export function isHere(state: DevState, target: { netuid: number; mecid: number }): boolean {
  return target.netuid === state.netuid && target.mecid === 0;
}

/** The uid of a hotkey; undefined when it is not registered. */
export function uidOf(state: DevState, hotkey: string): number | undefined {
  const uid = state.neurons.findIndex((neuron) => neuron.hotkey === hotkey);
  return uid === -1 ? undefined : uid;
}

/** Total stake in rao as the runtime counts it: the subnet's own, and `taoWeight` of the root's. */
export function totalStake(
  neuron: Pick<DevNeuron, 'alphaStake' | 'taoStake'>,
  { taoWeight }: Pick<DevParams, 'taoWeight'>,
): bigint {
  return neuron.alphaStake + ((neuron.taoStake * taoWeight) >> 64n);
}

/** Whether a hotkey has the stake to set weights. The owner needs none. */
export function hasStake({ neurons, params }: DevState, uid: number): boolean {
  const neuron = neurons[uid];
  if (neuron === undefined) return false;
  return (
    neuron.hotkey === params.ownerHotkey || totalStake(neuron, params) >= params.stakeThreshold
  );
}

/** Whether the rate limit lets a hotkey update its weights in a block. One that never did may. */
export function passesRateLimit(
  { neurons, params }: DevState,
  uid: number,
  block: number,
): boolean {
  const lastUpdate = neurons[uid]?.lastUpdate ?? 0;
  return lastUpdate === 0 || block - lastUpdate >= params.weightsSetRateLimit;
}

/** The state with one neuron changed. */
export function withNeuron(state: DevState, uid: number, change: Partial<DevNeuron>): DevState {
  return {
    ...state,
    neurons: state.neurons.map((neuron, index) =>
      index === uid ? { ...neuron, ...change } : neuron,
    ),
  };
}
