import { FAMILY, MINERS, minerKey } from './simulated-run.ts';

/** The owner's `/v1/weights` for the run that is asked for, with one winner. */
export function ownerAnswer(url: URL, winner: string | null): Uint8Array {
  const weights = Object.fromEntries(
    MINERS.map((name, index) => [minerKey(name), name === winner ? 1 : index / 10]),
  );
  return Buffer.from(
    JSON.stringify({
      run_id: url.searchParams.get('run_id'),
      ready: true,
      weights,
      family_winners: [
        {
          family_id: FAMILY,
          winner_hotkey: winner === null ? null : minerKey(winner),
          family_weight: 1,
        },
      ],
    }),
  );
}
