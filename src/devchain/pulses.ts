import type { DevState } from './state.ts';

/** Rounds whose signatures the chain keeps: 7.5 days of 3 seconds. */
const KEPT_ROUNDS = 216_000;

/** The newest round that the beacon has published at a time; 0 before the first. */
export function roundAt(
  timestampMs: number,
  { genesisTime, period }: Readonly<{ genesisTime: number; period: number }>,
): number {
  return Math.max(0, Math.floor((timestampMs / 1_000 - genesisTime) / period) + 1);
}

/**
 * Brings the drand pallet up to the chain's time. A signature costs milliseconds, so only the rounds that
 * a pending commit waits for get theirs; the real chain has them all.
 */
export function storePulses(state: DevState, sign: (round: number) => Uint8Array): DevState {
  const lastStoredRound = roundAt(state.timestampMs, state.params.beacon);
  const oldestStoredRound = Math.max(
    state.drand.oldestStoredRound,
    lastStoredRound - KEPT_ROUNDS + 1,
  );
  const isStored = (round: number): boolean =>
    round >= oldestStoredRound && round <= lastStoredRound;
  const awaited = state.timelocked.filter(
    ({ round }) => isStored(round) && !state.drand.pulses.has(round),
  );
  let { pulses } = state.drand;
  if (awaited.length > 0) {
    const signed = [...new Set(awaited.map(({ round }) => round))].map(
      (round): [number, string] => [round, Buffer.from(sign(round)).toString('hex')],
    );
    pulses = new Map([...pulses, ...signed].filter(([round]) => isStored(round)));
  }
  return { ...state, drand: { lastStoredRound, oldestStoredRound, pulses } };
}
