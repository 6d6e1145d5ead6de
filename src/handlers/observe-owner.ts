import { z } from 'zod';
import { nanoFromDouble } from '../consensus/nano.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import { sha256 } from '../events/hash.ts';
import { detailOf, RunId, Ss58 } from '../events/scalars.ts';
import type { Fetch } from './ask-peers.ts';
import { Figure } from './figure.ts';
import type { Recorder } from './recorder.ts';

/** `/v1/weights` names one winner for each family; 64 KiB is a hundred times that. */
const MAX_WEIGHTS_BYTES = 65_536;

/** The owner API's answer, as far as we read it (doubles on the wire). */
const OwnerWeights = z.looseObject({
  run_id: RunId,
  ready: z.literal(true),
  weights: z
    .record(Ss58, Figure)
    .refine((weights) => Object.keys(weights).length <= 256, 'at most 256 hotkeys'),
  family_winners: z
    .array(
      z.looseObject({
        family_id: z.string(),
        winner_hotkey: Ss58.nullable(),
        family_weight: Figure,
      }),
    )
    .max(64),
});

type OwnerPick = Extract<DomainEvent, { type: 'owner-pick.observed.v1' }>['data'];

/** Reads the owner's answer for one run and family; a reason where it names no pick for them. */
export function readOwnerPick(
  body: Uint8Array,
  { family, run }: Readonly<{ family: string; run: string }>,
): OwnerPick | { readonly reason: string } {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    return { reason: `not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  const parsed = OwnerWeights.safeParse(json);
  if (!parsed.success) return { reason: z.prettifyError(parsed.error) };
  // The latest completed run is served: only the run that was asked for may be paired with it.
  if (parsed.data.run_id !== run)
    return { reason: `run_id is ${parsed.data.run_id}, expected ${run}` };
  const pick = parsed.data.family_winners.find(({ family_id }) => family_id === family);
  if (pick === undefined) return { reason: `no pick for the family ${family}` };
  const scores = Object.entries(parsed.data.weights).map(([miner, weight]) => ({
    miner,
    weight: nanoFromDouble(weight),
  }));
  return {
    family,
    run,
    winner: pick.winner_hotkey,
    share: nanoFromDouble(pick.family_weight),
    scores: scores.toSorted((a, b) => (a.miner < b.miner ? -1 : 1)),
    evidence: sha256(body),
  };
}

type OwnerOf = Readonly<{ family: string; run: string; ownerUrl: string | null }>;

/** Asks the owner for its pick of one run; a reason where there is none to be had. */
export async function fetchOwnerPick(
  at: OwnerOf,
  deps: { fetch: Fetch; signal: AbortSignal },
): Promise<OwnerPick | { readonly reason: string }> {
  if (at.ownerUrl === null) return { reason: 'EIREL_OWNER_URL is not set' };
  const url = `${at.ownerUrl}/v1/weights?run_id=${at.run}`;
  const answer = await deps.fetch(url, { maxBytes: MAX_WEIGHTS_BYTES, signal: deps.signal });
  if (answer.kind === 'refused') return { reason: `${answer.reason}: ${answer.detail}` };
  if (answer.status !== 200) return { reason: `HTTP status ${answer.status}` };
  return readOwnerPick(answer.body, at);
}

/** Asks the owner for its pick and records it; silence, another run or nonsense is asked again at the next block. */
export async function observeOwner(
  at: OwnerOf,
  deps: { fetch: Fetch; record: Recorder; signal: AbortSignal },
): Promise<{ readonly reason: string | null }> {
  const pick = await fetchOwnerPick(at, deps);
  if ('reason' in pick) return { reason: pick.reason };
  await deps.record([{ type: 'owner-pick.observed.v1', data: pick }]);
  return { reason: null };
}

/** Asks the owner a last time, and records that it gave no pick in time if it still gives none. */
export async function missOwner(
  at: OwnerOf,
  deps: { fetch: Fetch; record: Recorder; signal: AbortSignal },
): Promise<{ readonly reason: string | null }> {
  const { reason } = await observeOwner(at, deps);
  if (reason !== null) {
    const { family, run } = at;
    const detail = detailOf(reason);
    await deps.record([{ type: 'owner-pick.missed.v1', data: { family, run, detail } }]);
  }
  return { reason };
}
