import type { DevState } from './state.ts';

export function runEpoch(state: DevState): DevState {
  return state;
}
