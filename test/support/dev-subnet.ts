import type { z } from 'zod';
import { Genesis } from '#src/devchain/genesis.ts';
import type { Outcome } from '#src/devchain/outcome.ts';
import { beaconOf, dispatch, genesisState, startBlock } from '#src/devchain/runtime.ts';
import type { DevCall, DevEvent, DevParams, DevState } from '#src/devchain/state.ts';
import { devSigner } from './dev-keys.ts';

/** In rao. */
export const TAO = 1_000_000_000n;

type Overrides = Omit<z.input<typeof Genesis>, 'beacon' | 'neurons'>;

export const hotkey = (name: string): string => devSigner(name).hotkey;

/**
 * A small subnet: uid 0 is the owner, 1 to 4 are validators a to d with 35, 25, 25 and 15 thousand TAO, 5
 * to 7 are miners x, y and z. Epochs of 10 blocks, no minimum of entries; otherwise as on mainnet.
 */
export function devGenesis({ hyperparameters, ...overrides }: Overrides = {}): Genesis {
  const neuron = (name: string, thousands = 0) => ({
    hotkey: hotkey(name),
    coldkey: hotkey(`cold ${name}`),
    alphaStake: (BigInt(thousands) * 1_000n * TAO).toString(),
    permit: thousands > 0,
  });
  return Genesis.parse({
    beacon: { seed: 'be'.repeat(32) },
    hyperparameters: { tempo: 9, minAllowedWeights: 1, weightsSetRateLimit: 3, ...hyperparameters },
    neurons: [
      neuron('owner'),
      neuron('a', 35),
      neuron('b', 25),
      neuron('c', 25),
      neuron('d', 15),
      ...['x', 'y', 'z'].map((name) => neuron(name)),
    ],
    ...overrides,
  });
}

export const UID = { owner: 0, a: 1, b: 2, c: 3, d: 4, x: 5, y: 6, z: 7 } as const;

export const beacon = beaconOf(devGenesis());
const genesis = genesisState(devGenesis());

/** The subnet at a block, with other hyperparameters where they are given. */
export function devSubnet(params: Partial<DevParams> = {}, block = 0): DevState {
  return at({ ...genesis, params: { ...genesis.params, ...params } }, block);
}

/** The same state at another block, its clock included, as if nothing had happened between. */
export function at(state: DevState, block: number): DevState {
  const timestampMs = genesis.timestampMs + block * state.params.slotMs;
  return { ...state, block, timestampMs };
}

/** Produces empty blocks up to a number. */
export function advance(
  start: DevState,
  block: number,
): Readonly<{ state: DevState; events: readonly DevEvent[] }> {
  let state = start;
  const events: DevEvent[] = [];
  while (state.block < block) {
    const started = startBlock(state, beacon);
    state = started.state;
    events.push(...started.events);
  }
  return { state, events };
}

/** The state after a call that has to succeed. */
export function after(state: DevState, call: DevCall, signer: string): DevState {
  const outcome = dispatch(state, call, hotkey(signer));
  if (outcome.kind === 'error') throw new Error(`${call.call}: ${outcome.error.name}`);
  return outcome.state;
}

/** The name of the error of a call; null when it succeeds. */
export function errorOf(outcome: Outcome): string | null {
  return outcome.kind === 'error' ? `${outcome.error.pallet}.${outcome.error.name}` : null;
}
