import type { DevError, DevEvent, DevState } from './state.ts';

/** What a call came to. One that fails changes nothing. Events are not stamped with their extrinsic yet. */
export type Outcome =
  | { readonly kind: 'ok'; readonly state: DevState; readonly events: readonly DevEvent[] }
  | { readonly kind: 'error'; readonly error: DevError };

export function done(state: DevState, ...events: readonly DevEvent[]): Outcome {
  return { kind: 'ok', state, events };
}

export function failed(pallet: DevError['pallet'], name: string): Outcome {
  return { kind: 'error', error: { pallet, name } };
}
