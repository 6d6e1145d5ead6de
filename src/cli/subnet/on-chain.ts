import { commitmentPayload, parseCommitment } from '../../consensus/commitment.ts';
import { AppError } from '../../errors.ts';
import type { DomainEvent } from '../../events/catalogue.ts';
import { EMPTY } from '../../events/decode.ts';
import { runOf } from '../../events/define-event.ts';
import type { Purpose } from '../../events/extrinsic.ts';
import type { Io } from '../command.ts';
import { openReader } from '../open-reader.ts';
import { DISHONEST, hotkeyOf, RUNNING, type Running } from './cast.ts';
import type { LocalSubnet } from './local-subnet.ts';

/** An extrinsic that a validator's log names, with the final block that holds it. */
export type OnChain = Readonly<{
  validator: Running;
  purpose: Purpose;
  call: string;
  hash: string;
  block: number;
}>;

/**
 * The dishonest validator's second commitment of a run, to another report than its first one. Sent past
 * its process, once the first one is final, because nothing is signed beside what is not; after that it
 * does nothing.
 */
export async function commitAgain(run: string, subnet: LocalSubnet): Promise<void> {
  const [final, newest] = (['finalized', 'best'] as const).map((at) => committedAt(at, subnet));
  const first = parseCommitment(final ?? '');
  if (first.kind === 'invalid' || first.run !== run || final !== newest) return;
  const second = commitmentPayload(run, 'another report');
  if (final !== second) await subnet.send(DISHONEST, { kind: 'commitment', fields: [second] });
}

/** The text that the dishonest validator's slot holds; null for anything else. */
function committedAt(at: 'finalized' | 'best', { chain }: LocalSubnet): string | null {
  const [field] = chain.stateAt(at).commitments.get(hotkeyOf(DISHONEST))?.fields ?? [];
  return field?.kind === 'Raw' ? Buffer.from(field.bytes, 'hex').toString() : null;
}

/**
 * What the validators' logs say that they put on chain in a run, each looked up on the chain itself.
 * Throws `subnet.failed` for one that a log calls done and the chain does not have.
 */
export async function extrinsicsOf(
  run: string,
  subnet: LocalSubnet,
  io: Io,
): Promise<readonly OnChain[]> {
  const found: OnChain[] = [];
  for (const validator of RUNNING) {
    const events = await eventsOf(run, { ...io, env: subnet.environment(validator, 'reader') });
    const done = new Set(
      events.flatMap((event) =>
        event.type === 'extrinsic.settled.v1' && event.data.outcome === 'succeeded'
          ? [event.data.hash]
          : [],
      ),
    );
    for (const event of events) {
      if (event.type !== 'extrinsic.signed.v1' || !done.has(event.data.hash)) continue;
      const { purpose, call, hash } = event.data;
      const block = blockOf(hash, subnet);
      if (block === null)
        throw new AppError('subnet.failed', {
          run,
          validator,
          found: `0x${hash} in no final block`,
        });
      found.push({ validator, purpose, call, hash, block });
    }
  }
  return found;
}

/** Two commitments of one hotkey to different reports, and their blocks: evidence that anybody can check on chain. */
export type DoubleCommit = Readonly<{
  hotkey: string;
  first: CommitmentSeen;
  second: CommitmentSeen;
}>;
type CommitmentSeen = Readonly<{ block: number; digest: string }>;

/** Who committed to two reports of a run, as a validator's log has it. */
export async function doubleCommitsOf(
  run: string,
  subnet: LocalSubnet,
  io: Io,
): Promise<readonly DoubleCommit[]> {
  const events = await eventsOf(run, { ...io, env: subnet.environment(RUNNING[0], 'reader') });
  return events.flatMap((event) =>
    event.type === 'commitments.read.v1'
      ? event.data.found.flatMap(({ hotkey, first, second }) =>
          second === null ? [] : [{ hotkey, first, second }],
        )
      : [],
  );
}

/** The final block in which an extrinsic succeeded; null when there is none. */
function blockOf(hash: string, { chain }: LocalSubnet): number | null {
  const place = chain.findExtrinsic(hash);
  return place !== null && place.finalized && place.error === null ? place.block : null;
}

/** A run's events in a validator's log, read and verified as anybody with the reader's credential can. */
export async function eventsOf(run: string, io: Io): Promise<readonly DomainEvent[]> {
  await using reader = await openReader(io, { log: 'validator', source: undefined });
  const events: DomainEvent[] = [];
  for await (const batch of reader.log.read({ after: EMPTY, follow: false }))
    events.push(...batch.events.map(({ event }) => event));
  return events.filter(({ data }) => runOf(data)?.run === run);
}
