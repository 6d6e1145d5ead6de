import type { Fault } from '#src/audit/fault.ts';
import { gatherFaults } from '#src/audit/fault.ts';
import { createStateMachine } from '#src/audit/state-machine.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import type { Recorded } from '#src/events/envelope.ts';
import { sha256 } from '#src/events/hash.ts';
import { isSealable, sealFact } from '#src/events/seal-box.ts';
import { logSource } from '#src/events/source.ts';
import { logStarted } from './log-start.ts';

const NETWORK = { genesis: sha256('a network of simulated evaluations'), netuid: 36 };
const KEY = sha256('the key of a simulated run');
const MEASURING: ReadonlySet<string> = new Set([
  'evaluation-broken',
  'composite-differs',
  'score-unfounded',
  'score-invalid',
]);

/**
 * What an auditor finds wrong with how a simulated run was measured, once it is closed and its facts are open. Nothing is
 * signed in a simulation, so every signature counts as good.
 */
export function auditEvaluation(
  events: readonly Recorded[],
  self: string,
): readonly Pick<Fault, 'code' | 'expected' | 'found'>[] {
  const faults = gatherFaults();
  const source = logSource({ ...NETWORK, hotkey: self, generation: 0 });
  const machine = createStateMachine({
    verify: () => true,
    blake2b256,
    rootAt: () => undefined,
    ownerHotkey: null,
    ledger: null,
    note: () => undefined,
    faults,
    source: () => source,
    keep: () => false,
  });
  const signer = { hotkey: self, sign: () => '00'.repeat(64) };
  const run = runOf(events);
  const told: readonly DomainEvent[] = [
    logStarted(signer, source, NETWORK),
    ...events.map(({ event }) => (isSealable(event) ? sealFact(event, KEY) : event)),
    { type: 'run.closed.v1', data: { ...run, reason: 'requested' } },
    { type: 'scores.opened.v1', data: { ...run, key: KEY } },
  ];
  for (const [n, event] of told.entries())
    machine.take({ event, n, id: '', hash: '', time: '', causationId: null });
  return faults.list().filter(({ code }) => MEASURING.has(code));
}

function runOf(events: readonly Recorded[]): Readonly<{ family: string; run: string }> {
  for (const { event } of events)
    if (event.type === 'run.opened.v1') return { family: event.data.family, run: event.data.run };
  throw new Error('no run was opened');
}
