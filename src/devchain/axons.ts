import { done, failed, type Outcome } from './outcome.ts';
import type { DevCall, DevError, DevState } from './state.ts';
import { uidOf, withNeuron } from './subnet.ts';

export type ServeAxonCall = Extract<DevCall, { call: 'SubtensorModule.serve_axon' }>;

/** Blocks between two announcements of one hotkey, as on mainnet. */
const SERVING_RATE_LIMIT = 50;

/** Stores where a registered hotkey serves. */
export function serveAxon(state: DevState, call: ServeAxonCall, hotkey: string): Outcome {
  const fault = axonFault(state, call, hotkey);
  const uid = uidOf(state, hotkey);
  if (fault !== null || uid === undefined)
    return failed('SubtensorModule', fault ?? 'HotKeyNotRegisteredInNetwork');
  const { call: _call, netuid, ...axon } = call;
  return done(withNeuron(state, uid, { axon: { block: state.block, ...axon } }), {
    extrinsic: null,
    event: 'SubtensorModule.AxonServed',
    netuid,
    hotkey,
  });
}

/** Why an axon is not stored: the checks that pool and dispatch share. An IP of zero is allowed: it serves not. */
export function axonFault(
  state: DevState,
  call: ServeAxonCall,
  hotkey: string,
): DevError['name'] | null {
  const uid = call.netuid === state.netuid ? uidOf(state, hotkey) : undefined;
  if (uid === undefined) return 'HotKeyNotRegisteredInNetwork';
  if (call.ipType !== 4 && call.ipType !== 6) return 'InvalidIpType';
  if (call.ip < 0n || call.ip >> (call.ipType === 4 ? 32n : 128n) !== 0n) return 'InvalidIpAddress';
  const last = state.neurons[uid]?.axon?.block ?? 0;
  if (last !== 0 && state.block - last < SERVING_RATE_LIMIT) return 'ServingRateLimitExceeded';
  return call.port === 0 ? 'InvalidPort' : null;
}
