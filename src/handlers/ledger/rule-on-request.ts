import type { DomainEvent } from '../../events/catalogue.ts';
import { addFact, type Facts, knownIn } from './facts.ts';
import { type Refusal, type Ruling, ruleOnWish, type Wish } from './rule-on-wish.ts';

/** What became of the wishes of one request: all are taken, or none. */
export type Ruled =
  | Readonly<{
      kind: 'taken';
      /** One for each wish: when it was recorded, and whether that was before. */
      facts: readonly Readonly<{ again: boolean; time: string }>[];
    }>
  | (Refusal & Readonly<{ index: number }>);

/** Rules on the wishes of one request, of which each is bound by those before it; `events` say what is new. */
export function ruleOnRequest(
  wishes: readonly Wish[],
  before: readonly Facts[],
  time: string,
): Readonly<{ answer: Ruled; events: readonly DomainEvent[] }> {
  const own: Facts = new Map();
  const known = knownIn([own, ...before]);
  const events: DomainEvent[] = [];
  const facts: { again: boolean; time: string }[] = [];
  for (const [index, wish] of wishes.entries()) {
    const ruling: Ruling = ruleOnWish(wish, known);
    if (ruling.kind === 'refused') return { answer: { ...ruling, index }, events: [] };
    if (ruling.kind === 'new') {
      addFact(own, ruling.event, time);
      events.push(ruling.event);
    }
    const again = ruling.kind === 'again';
    facts.push({ again, time: again ? ruling.time : time });
  }
  return { answer: { kind: 'taken', facts }, events };
}
