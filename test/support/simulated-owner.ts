import type { Fetched } from '#src/handlers/ask-peers.ts';
import { body, type SimulatedNetwork } from './simulated-network.ts';
import { FAMILY, MINERS, minerKey } from './simulated-run.ts';

/** Names the owner's winner of a family; null for nobody. The weights are doubles, as on the wire. */
export function ownerAnswer(
  run: string | null,
  winner: string | null,
  { share = 1, weights = {} }: { share?: number; weights?: Readonly<Record<string, number>> } = {},
): Uint8Array {
  const hotkeys = MINERS.map((name) => [minerKey(name), weights[name] ?? 0] as const);
  return Buffer.from(
    JSON.stringify({
      run_id: run,
      ready: true,
      weights: Object.fromEntries(hotkeys),
      family_winners: [
        {
          family_id: FAMILY,
          winner_hotkey: winner === null ? null : minerKey(winner),
          family_weight: share,
        },
      ],
    }),
  );
}

/** The owner answers at its host from now on; counts how often it is asked. */
export function ownerServes(
  network: SimulatedNetwork,
  answer: (run: string | null) => Fetched | Uint8Array,
): { asked: number } {
  const count = { asked: 0 };
  network.tamper = (url) => {
    if (url.host !== 'owner.test') return Promise.resolve(null);
    count.asked++;
    const given = answer(url.searchParams.get('run_id'));
    return Promise.resolve(given instanceof Uint8Array ? body(given) : given);
  };
  return count;
}
