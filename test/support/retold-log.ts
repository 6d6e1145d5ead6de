import type { DomainEvent } from '#src/events/catalogue.ts';
import { isSealable, openFact, sealFact } from '#src/events/seal-box.ts';
import { rewritten } from './rewritten-log.ts';

/**
 * A log as its owner would have written it, who can open and seal everything: each event, with what is sealed as the
 * event inside, is replaced by what `change` gives, and sealed again where it has to be. Of the log of one run.
 */
export function retold(
  payloads: readonly Uint8Array[],
  change: (event: DomainEvent) => readonly DomainEvent[],
): readonly Uint8Array[] {
  const key = keyOf(payloads);
  return rewritten(payloads, (event) =>
    change(insideOf(event, key)).map((told) => (isSealable(told) ? sealFact(told, key) : told)),
  );
}

/** The types of a log's events in their order, of sealed ones that of the event inside. */
export function typesIn(payloads: readonly Uint8Array[]): readonly DomainEvent['type'][] {
  const types: DomainEvent['type'][] = [];
  retold(payloads, (event) => {
    types.push(event.type);
    return [];
  });
  return types;
}

function insideOf(event: DomainEvent, key: string): DomainEvent {
  if (event.type !== 'fact.sealed.v1') return event;
  const opened = openFact(event.data, key);
  if (opened.kind !== 'opened') throw new Error(opened.found);
  return opened.event;
}

function keyOf(payloads: readonly Uint8Array[]): string {
  let key = '';
  rewritten(payloads, (event) => {
    if (event.type === 'scores.opened.v1') key = event.data.key;
    return [];
  });
  return key;
}
