import { expect, test } from 'vitest';
import { decideWeights, type WeightView } from '#src/consensus/intended-weights.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { sha256 } from '#src/events/hash.ts';
import { intendWeights } from '#src/handlers/set-weights.ts';

const place = { family: 'general_chat', run: 'run-7' };

const VIEW: WeightView = {
  ...place,
  mode: 'decentralized',
  targetBlock: 32,
  certificate: null,
  owner: { kind: 'unknown' },
  hold: {
    ...place,
    v: 'eirel/outcome/1',
    rules: 'swm/1',
    genesis: sha256('genesis'),
    netuid: 36,
    roster: sha256('roster'),
    open: { known: false, reason: 'empty' },
    kind: 'hold',
    reason: 'certificate-missed',
    winner: null,
    vector: null,
    targetBlock: 32,
  },
  last: null,
};

test('the intent is recorded', async () => {
  const recorded: DomainEvent[] = [];
  const record = (events: readonly DomainEvent[]) => Promise.resolve(void recorded.push(...events));
  await intendWeights(VIEW, { record });
  expect(recorded).toEqual([{ type: 'weights.intended.v1', data: decideWeights(VIEW) }]);
});
